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
  readonly objectCreationType: number;
  readonly envDict: Readonly<Record<string, string>>;
}

const IMAGE_BUILDER_VERSION = "2025.06";
const CREATE_IF_MISSING = 1;
const EPHEMERAL = 5;

/** Sign-in, apps, environments and secrets. `apps` is ids by name. */
export function toAccountMethods(
  credentials: Credentials,
  images: ImageStore,
  apps: Map<string, string>,
): ServiceMethods {
  const secrets = new Map<string, string>();
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
      if (objectCreationType === EPHEMERAL) return { secretId: images.addSecret(envDict) };
      const known = secrets.get(deploymentName);
      if (known === undefined && objectCreationType !== CREATE_IF_MISSING) {
        throw new ServerError(Status.NOT_FOUND, `Secret '${deploymentName}' not found`);
      }
      const secretId = known ?? images.addSecret(envDict);
      secrets.set(deploymentName, secretId);
      return { secretId };
    },
  };
}
