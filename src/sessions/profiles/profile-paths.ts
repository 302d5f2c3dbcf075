import { homedir } from "node:os";
import { join } from "node:path";

/** The user's home folder. */
export function homeOf(env: NodeJS.ProcessEnv): string {
  return env["HOME"] ?? env["USERPROFILE"] ?? homedir();
}

/** Where Daytona's command line keeps its profiles: as Go's os.UserConfigDir says, unless the environment does. */
export function toDaytonaConfigPath(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): string {
  return join(env["DAYTONA_CONFIG_DIR"] || join(toConfigFolder(env, platform), "daytona"), "config.json");
}

function toConfigFolder(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  if (platform === "darwin") return join(homeOf(env), "Library", "Application Support");
  if (platform === "win32") return env["APPDATA"] ?? join(homeOf(env), "AppData", "Roaming");
  return env["XDG_CONFIG_HOME"] || join(homeOf(env), ".config");
}
