import { ServerError, Status } from "nice-grpc";
import type { ServiceMethods } from "./account-service.ts";
import type { Faults } from "./faults.ts";
import { type BuildHost, buildLayer } from "./image-build.ts";

interface ImageGetOrCreate {
  readonly image: {
    /** The first is "FROM tag", or "FROM base" for one of the base images. */
    readonly dockerfileCommands: readonly string[];
    readonly baseImages: readonly { readonly dockerTag: string; readonly imageId: string }[];
    readonly secretIds: readonly string[];
  };
  readonly forceBuild: boolean;
}

interface ImageNamed {
  readonly imageId: string;
}

/** `modal.client.GenericResult`: 1 success, 2 failure. */
interface BuildResult {
  readonly status: number;
  readonly exception: string;
}

const BUILT: BuildResult = { status: 1, exception: "" };

/**
 * Images: building, finding and deleting them. A registry's image exists at once, whatever its name; commands on top of
 * one are carried out while the SDK waits in ImageJoinStreaming, and what has been built is found again.
 */
export function toImageMethods(host: BuildHost, faults: Faults): ServiceMethods {
  const { images } = host;
  const known = new Map<string, string>();
  const builds = new Map<string, Promise<BuildResult>>();

  const toEnv = (ids: readonly string[]) => images.toEnv(ids.map((secretId) => ({ secretId })));

  function build({ image: { dockerfileCommands, baseImages, secretIds } }: ImageGetOrCreate): string {
    const [from, ...commands] = dockerfileCommands;
    const base =
      baseImages.find(({ dockerTag }) => `FROM ${dockerTag}` === from)?.imageId ??
      images.add({ kind: "built", hasFiles: false });
    if (commands.length === 0) return base;
    const id = images.newId();
    builds.set(id, toResult(buildLayer({ id, base, commands, env: toEnv(secretIds) }, host)));
    return id;
  }

  return {
    imageGetOrCreate(request: ImageGetOrCreate) {
      const failure = faults.take("fail-build", "ImageGetOrCreate");
      if (failure) return { imageId: images.newId(), result: toFailure(failure.exception) };
      const { dockerfileCommands, baseImages, secretIds } = request.image;
      const key = JSON.stringify([dockerfileCommands, baseImages, toEnv(secretIds)]);
      const earlier = known.get(key);
      const canReuse = earlier !== undefined && !request.forceBuild && images.has(earlier);
      const imageId = canReuse ? earlier : build(request);
      known.set(key, imageId);
      return images.has(imageId) ? { imageId, result: BUILT } : { imageId };
    },
    async *imageJoinStreaming({ imageId }: ImageNamed) {
      const building = builds.get(imageId);
      if (!building) throw new ServerError(Status.NOT_FOUND, `Could not find image with ID '${imageId}'`);
      yield { result: await building, entryId: "1", eof: true };
    },
    imageFromId: ({ imageId }: ImageNamed) => ({ imageId: images.get(imageId).id }),
    async imageDelete({ imageId }: ImageNamed) {
      await images.delete(imageId);
      return {};
    },
  };
}

async function toResult(building: Promise<void>): Promise<BuildResult> {
  try {
    await building;
    return BUILT;
  } catch (error) {
    return toFailure(error instanceof Error ? error.message : String(error));
  }
}

function toFailure(exception: string): BuildResult {
  return { status: 2, exception };
}
