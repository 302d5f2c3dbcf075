import { join } from "node:path";
import type { Profile } from "../accounts.ts";
import { homeOf } from "./profile-paths.ts";
import { newNoProfileError, type ProfileFormat, readProfileFile, toFields } from "./read-profile-file.ts";

const FORMAT: ProfileFormat = {
  parse: (text) => JSON.parse(text),
  what: "the JSON file that E2B's command line writes",
  remedy: "e2b auth login",
};

/**
 * The project that E2B's own command line is signed in to: its file holds one at most. Version 2 of it names
 * `projectApiKey`, version 1 `teamApiKey`, as @e2b/cli 2 reads and writes them. @throws {SandboxError}
 */
export async function readE2bProfiles(env: NodeJS.ProcessEnv): Promise<readonly Profile[]> {
  const path = join(homeOf(env), ".e2b", "config.json");
  const { projectApiKey, teamApiKey, projectName, teamName } = toFields(await readProfileFile(path, FORMAT));
  const apiKey = projectApiKey ?? teamApiKey;
  const name = projectName ?? teamName;
  if (typeof apiKey !== "string" || apiKey === "") throw newNoProfileError(path, FORMAT);
  return [{ name: typeof name === "string" && name !== "" ? name : "default", isActive: true, credential: { apiKey } }];
}
