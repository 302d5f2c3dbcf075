import type { App, Image, Secret } from "modal";
import type { Call } from "../../core/call.ts";
import type { Progress } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import { abortable } from "../abortable.ts";
import type { Account } from "./account.ts";
import type { ModalOptions } from "./modal-options.ts";
import { isNotFound } from "./to-sandbox-error.ts";

/** What a sandbox starts from when the spec names no image. */
const DEFAULT_IMAGE = "python:3.13-slim";
const SAVED_IMAGE = /^im-[A-Za-z0-9]+$/;
/** A reference as https://github.com/distribution/reference has it; it becomes a line of a Dockerfile. */
const REFERENCE = /^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}$/;
/** A build that takes less is not worth telling. */
const QUIET_MS = 700;

/** The app that sandboxes are made under. */
export async function findApp({ client, apps }: Account, options: ModalOptions, { signal }: Call): Promise<App> {
  const known = apps.get(options.app);
  if (known) return known;
  const app = await abortable(client.apps.fromName(options.app, { createIfMissing: true }), signal);
  apps.set(options.app, app);
  return app;
}

/**
 * The image that a sandbox starts from, built: a registry's, or one that was saved ("im-…"), with the target's Dockerfile
 * commands over it. Modal keeps what it has built, so that only the first time is slow.
 */
export async function buildImage(
  account: Account,
  wanted: { readonly app: App; readonly image: string | undefined; readonly options: ModalOptions },
  call: Call,
  progress: Progress,
): Promise<Image> {
  const { app, image: reference = DEFAULT_IMAGE, options } = wanted;
  const key = JSON.stringify([options.app, reference, options.dockerfile]);
  const known = account.images.get(key);
  if (known) return known;
  const base = await findBase(account, reference, call);
  const image = options.dockerfile.length > 0 ? base.dockerfileCommands([...options.dockerfile]) : base;
  const notice = setTimeout(() => progress(`Building the image ${reference} at Modal`), QUIET_MS);
  try {
    await abortable(image.build(app), call.signal);
  } finally {
    clearTimeout(notice);
  }
  account.images.set(key, image);
  return image;
}

/** What is remembered may be gone at Modal by now. */
export function forgetPrepared({ apps, images }: Account): void {
  apps.clear();
  images.clear();
}

async function findBase({ client }: Account, reference: string, { signal }: Call): Promise<Image> {
  if (!REFERENCE.test(reference))
    throw new SandboxError(
      "invalid",
      `"${toDisplay(reference)}" is no image. Name one as "python:3.13-slim" is named.`,
    );
  if (!SAVED_IMAGE.test(reference)) return client.images.fromRegistry(reference);
  try {
    return await abortable(client.images.fromId(reference), signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new SandboxError(
      "not-found",
      `Modal has no image ${reference}: it has expired, was deleted, or belongs to another workspace. Choose another.`,
    );
  }
}

/** The target's secrets, by name. @throws {SandboxError} `not-found`, naming the one that is missing */
export async function findSecrets({ client }: Account, { secrets }: ModalOptions, { signal }: Call): Promise<Secret[]> {
  return Promise.all(
    secrets.map(async (name) => {
      try {
        return await abortable(client.secrets.fromName(name), signal);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        throw new SandboxError(
          "not-found",
          `Modal has no secret "${name}" in that environment. Make it at https://modal.com/secrets, or correct the option secrets.`,
        );
      }
    }),
  );
}
