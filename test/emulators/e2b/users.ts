import path from "node:path";
import { toUserId } from "../shared/root-folder.ts";
import type { SandboxHost } from "./sandbox-host.ts";

/** Who commands run as when nobody says otherwise. */
export const USER = "user";

/** Somebody inside. */
export interface SandboxUser {
  readonly name: string;
  readonly id: number;
  readonly home: string;
}

/** Undefined for somebody who is not there. */
export function findUser(name: string): SandboxUser | undefined {
  const id = toUserId(name, USER);
  return id === undefined ? undefined : { name, id, home: id === 0 ? "/root" : `/home/${name}` };
}

/** What a path means: below the home when it is relative or begins with "~". @throws Error for another user's home */
export function toAbsolute(given: string, { home }: SandboxUser): string {
  if (given.startsWith("/")) return given;
  if (given !== "~" && given.startsWith("~") && !given.startsWith("~/")) {
    throw new Error("cannot expand user-specific home dir");
  }
  const rest = given.startsWith("~") ? given.slice(1) : given;
  return path.posix.join(home, rest);
}

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The variables of somebody's commands: the daemon's own, then those that the sandbox was created with. */
export function toEnvironment(name: string, { id, parts }: SandboxHost): Record<string, string> {
  const home = findUser(name)?.home ?? "/";
  const own = { E2B_SANDBOX: "true", E2B_SANDBOX_ID: id, E2B_TEMPLATE_ID: parts.template.id };
  return { PATH, HOME: home, USER: name, LOGNAME: name, ...own, ...parts.create.envVars };
}
