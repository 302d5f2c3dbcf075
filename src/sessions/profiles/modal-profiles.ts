import { join } from "node:path";
import type { Profile } from "../accounts.ts";
import { homeOf } from "./profile-paths.ts";
import { newNoProfileError, type ProfileFormat, readProfileFile, toFields } from "./read-profile-file.ts";

/** Those of Modal's own tools that hold a token, in the file's order; see https://modal.com/docs/reference/modal.config. @throws {SandboxError} */
export async function readModalProfiles(env: NodeJS.ProcessEnv): Promise<readonly Profile[]> {
  const path = env["MODAL_CONFIG_PATH"] || join(homeOf(env), ".modal.toml");
  const { parse } = await import("smol-toml");
  const format: ProfileFormat = { parse, what: "the TOML file that Modal's tools write", remedy: "modal token new" };
  const profiles = Object.entries(toFields(await readProfileFile(path, format))).flatMap(toProfile);
  if (profiles.length === 0) throw newNoProfileError(path, format);
  return profiles;
}

function toProfile([name, section]: [string, unknown]): readonly Profile[] {
  const { token_id: tokenId, token_secret: tokenSecret, active } = toFields(section);
  if (typeof tokenId !== "string" || typeof tokenSecret !== "string" || !tokenId || !tokenSecret) return [];
  return [{ name, isActive: active === true, credential: { tokenId, tokenSecret } }];
}
