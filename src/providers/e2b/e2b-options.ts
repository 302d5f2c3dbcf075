import { SandboxError } from "../../core/sandbox-error.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import { readServerUrl } from "../server-url.ts";

/** What a target says about E2B. */
export interface E2bOptions {
  /** Of a deployment of one's own; E2B's when left out. It decides who is sent the key. */
  readonly domain?: string;
  /** At the end of its time a sandbox pauses instead of ending. */
  readonly autoPause: boolean;
  /** Sandboxes at once. */
  readonly maxConcurrent: number;
}

/** Where E2B is; every address is given to the SDK, so that it looks for none itself. */
export interface E2bServers {
  readonly domain: string;
  readonly apiUrl: string;
  /** One address for all sandboxes, of an emulator or a proxy; they have a host each when left out. */
  readonly sandboxUrl?: string;
}

/** What an account on E2B's smallest plan, "Hobby", may run at once; https://e2b.dev/docs/sandbox/rate-limits. */
const SANDBOXES_OF_HOBBY_PLAN = 20;
const DEFAULT_DOMAIN = "e2b.app";
const DOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/i;

/** Reads the options that `registry.ts` lists. @throws {SandboxError} `invalid`, naming the option */
export function parseE2bOptions(options: Readonly<Record<string, string>>): E2bOptions {
  const domain = readDomainOption(options["domain"]?.trim());
  const autoPause = options["autoPause"] || "false";
  if (autoPause !== "true" && autoPause !== "false") refuse("autoPause", 'has to be "true" or "false"');
  const most = options["maxConcurrent"]?.trim() || String(SANDBOXES_OF_HOBBY_PLAN);
  if (!/^[1-9]\d{0,4}$/.test(most)) refuse("maxConcurrent", "has to be a whole number from 1 up");
  return { ...(domain ? { domain } : {}), autoPause: autoPause === "true", maxConcurrent: Number(most) };
}

function readDomainOption(domain: string | undefined): string | undefined {
  if (domain && !DOMAIN.test(domain)) refuse("domain", `is "${toDisplay(domain)}", which is no domain ("e2b.app")`);
  return domain;
}

/**
 * Where to find E2B: what the variables say that E2B's own tools read (E2B_API_URL and E2B_SANDBOX_URL), else the target's
 * domain, else that in E2B_DOMAIN.
 * @throws {SandboxError} `invalid` for an address to which the key would travel readable by others
 */
export function readServers({ domain }: E2bOptions, env: NodeJS.ProcessEnv): E2bServers {
  const named = domain ?? readDomain(env);
  const apiUrl = readServerUrl(env, "E2B_API_URL") ?? `https://api.${named}`;
  const sandboxUrl = readServerUrl(env, "E2B_SANDBOX_URL");
  return { domain: named, apiUrl, ...(sandboxUrl === undefined ? {} : { sandboxUrl }) };
}

function readDomain(env: NodeJS.ProcessEnv): string {
  const domain = env["E2B_DOMAIN"];
  if (!domain) return DEFAULT_DOMAIN;
  if (DOMAIN.test(domain)) return domain;
  throw new SandboxError("invalid", `E2B_DOMAIN is "${toDisplay(domain)}", which is no domain ("e2b.app").`);
}

function refuse(name: string, why: string): never {
  throw new SandboxError("invalid", `E2B's option "${name}" ${why}. Correct the target's options.`);
}
