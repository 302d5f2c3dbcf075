/** In a file of its own, which is loaded at the first use: a bundle gives a CommonJS package's names to such imports alone. */
export { Daytona } from "@daytona/sdk";
