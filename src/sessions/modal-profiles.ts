import { open } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { SandboxError } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";
import type { Profile } from "./accounts.ts";

const MOST_BYTES = 1024 * 1024;

/** Those of Modal's own tools that hold a token, in the file's order; see https://modal.com/docs/reference/modal.config. @throws {SandboxError} */
export async function readModalProfiles(env: NodeJS.ProcessEnv): Promise<readonly Profile[]> {
  const path = env["MODAL_CONFIG_PATH"] || join(env["HOME"] ?? env["USERPROFILE"] ?? homedir(), ".modal.toml");
  const profiles = Object.entries(await parse(await readText(path), path)).flatMap(toProfile);
  if (profiles.length === 0)
    throw new SandboxError(
      "not-found",
      `No profile in ${toDisplay(path)} holds a token. Make one with: modal token new`,
    );
  return profiles;
}

function toProfile([name, section]: [string, unknown]): readonly Profile[] {
  if (typeof section !== "object" || section === null) return [];
  const { token_id: tokenId, token_secret: tokenSecret, active } = Object.fromEntries(Object.entries(section));
  if (typeof tokenId !== "string" || typeof tokenSecret !== "string" || !tokenId || !tokenSecret) return [];
  return [{ name, isActive: active === true, credential: { tokenId, tokenSecret } }];
}

async function readText(path: string): Promise<string> {
  const file = await open(path, "r").catch(() => undefined);
  if (!file) throw new SandboxError("not-found", `${toDisplay(path)} cannot be read. Make it with: modal token new`);
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size > MOST_BYTES) throw newInvalidError(path);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

async function parse(text: string, path: string): Promise<Record<string, unknown>> {
  const { parse: parseToml } = await import("smol-toml");
  try {
    return parseToml(text);
  } catch {
    // The parser's error quotes the file, and so its tokens.
    throw newInvalidError(path);
  }
}

function newInvalidError(path: string): SandboxError {
  return new SandboxError(
    "invalid",
    `${toDisplay(path)} is not the TOML file that Modal's tools write. Mend it, or paste a token.`,
  );
}
