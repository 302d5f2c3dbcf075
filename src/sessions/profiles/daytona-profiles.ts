import type { Profile } from "../accounts.ts";
import { toDaytonaConfigPath } from "./profile-paths.ts";
import { newNoProfileError, type ProfileFormat, readProfileFile, toFields } from "./read-profile-file.ts";

const FORMAT: ProfileFormat = {
  parse: (text) => JSON.parse(text),
  what: "the JSON file that Daytona's command line writes",
  remedy: "daytona login --api-key KEY",
};

/**
 * Those of Daytona's own command line that hold an API key, in the file's order; who signed in with a browser has a token
 * of some hours there, which is left out. The shape is that of apps/cli/config in github.com/daytonaio/daytona.
 * @throws {SandboxError}
 */
export async function readDaytonaProfiles(env: NodeJS.ProcessEnv): Promise<readonly Profile[]> {
  const path = toDaytonaConfigPath(env);
  const { profiles: all, activeProfile } = toFields(await readProfileFile(path, FORMAT));
  const profiles = (Array.isArray(all) ? all : []).flatMap((each) => toProfile(toFields(each), activeProfile));
  if (profiles.length === 0) throw newNoProfileError(path, FORMAT);
  return profiles;
}

function toProfile({ id, name, api }: Readonly<Record<string, unknown>>, active: unknown): readonly Profile[] {
  const { key: apiKey, url } = toFields(api);
  if (typeof apiKey !== "string" || apiKey === "" || typeof name !== "string") return [];
  const server = typeof url === "string" && url !== "" ? { server: url } : {};
  return [{ name, isActive: id === active, credential: { apiKey }, ...server }];
}
