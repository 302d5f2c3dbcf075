import type { ServiceMethods } from "./account-service.ts";
import type { ImageStore } from "./images.ts";

interface ImageGetOrCreate {
  readonly image?: { readonly dockerfileCommands: readonly string[] };
}

interface ImageNamed {
  readonly imageId: string;
}

/** Images: building, finding and deleting them. */
export function toImageMethods(images: ImageStore): ServiceMethods {
  const built = new Map<string, string>();
  return {
    imageGetOrCreate({ image }: ImageGetOrCreate) {
      const key = JSON.stringify(image?.dockerfileCommands);
      const imageId = built.get(key) ?? images.add({ hasFiles: false });
      built.set(key, imageId);
      return { imageId, result: { status: 1 } };
    },
    imageFromId: ({ imageId }: ImageNamed) => ({ imageId: images.get(imageId).id }),
    async imageDelete({ imageId }: ImageNamed) {
      await images.delete(imageId);
      return {};
    },
  };
}
