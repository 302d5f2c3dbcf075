import type { CallContext } from "nice-grpc";
import { ServerError, Status } from "nice-grpc";
import type { Credentials } from "./credentials.ts";
import { newId } from "./ids.ts";
import type { ImageStore } from "./images.ts";

/** What of a service's methods the emulator has, by their names in camel case. */
export type ServiceMethods = Record<string, (request: never, context: CallContext) => unknown>;

interface AppGetOrCreate {
  readonly appName: string;
  /** 1 creates what is missing. */
  readonly objectCreationType: number;
}

interface SecretGetOrCreate {
  readonly deploymentName: string;
  /** 5 is a secret without a name, for the values that come with it. */
  readonly objectCreationType: number;
  readonly envDict: Readonly<Record<string, string>>;
}

/** What the account's methods work on. */
interface AccountServiceDeps {
  readonly credentials: Credentials;
  readonly images: ImageStore;
  /** Ids by name; filled as apps are made. */
  readonly apps: Map<string, string>;
  /** Variables by the secret's name. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const IMAGE_BUILDER_VERSION = "2025.06";
const CREATE_IF_MISSING = 1;
const EPHEMERAL = 5;

/** Sign-in, apps, environments and secrets. */
export function toAccountMethods({ credentials, images, apps, secrets }: AccountServiceDeps): ServiceMethods {
  return {
    authTokenGet: (_: object, context: CallContext) => ({ token: credentials.signIn(context.metadata) }),
    appGetOrCreate({ appName, objectCreationType }: AppGetOrCreate) {
      const appId = apps.get(appName) ?? newId("ap", 22);
      if (!apps.has(appName) && objectCreationType !== CREATE_IF_MISSING) {
        throw new ServerError(Status.NOT_FOUND, `App '${appName}' not found`);
      }
      apps.set(appName, appId);
      return { appId };
    },
    environmentGetOrCreate: ({ deploymentName }: { deploymentName: string }) => ({
      environmentId: "en-main",
      metadata: { name: deploymentName || "main", settings: { imageBuilderVersion: IMAGE_BUILDER_VERSION } },
    }),
    secretGetOrCreate({ deploymentName, objectCreationType, envDict }: SecretGetOrCreate) {
      const env = objectCreationType === EPHEMERAL ? envDict : secrets[deploymentName];
      if (!env) throw new ServerError(Status.NOT_FOUND, `Secret '${deploymentName}' not found`);
      return { secretId: images.addSecret(env) };
    },
  };
}
