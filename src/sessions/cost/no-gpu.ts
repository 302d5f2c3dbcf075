/** Stands for no GPU in lists of what to take. */
export const NO_GPU = "cpu";
