import { fileURLToPath } from "node:url";

/** The folder with the programs that interpret code. */
export const KERNELS = fileURLToPath(new URL("./kernels/", import.meta.url));
/** Where it is seen inside. */
export const KERNELS_INSIDE = "/run/e2b-kernels";
