import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import type { ProviderDeps } from "../provider-deps.ts";
import type { EndpointSources } from "./find-endpoint.ts";

/** The real machine, for finding an endpoint. */
export function readMachine({ env, platform }: ProviderDeps): EndpointSources {
  return { env, platform, homeFolder: env["HOME"] ?? homedir(), readFile, probeSocket };
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function probeSocket(path: string): "usable" | "denied" | "missing" {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return "usable";
  } catch (error) {
    const isDenied = error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EPERM");
    return isDenied || existsSync(path) ? "denied" : "missing";
  }
}
