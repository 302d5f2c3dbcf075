// What the engine needs to find programs, sockets and folders. Names, or beginnings of names that end with "_".
const KEPT = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "LANGUAGE",
  "LC_",
  "TZ",
  "TMPDIR",
  "TMP",
  "TEMP",
  "XDG_",
  "DOCKER_",
  "CONTAINER_HOST",
  "CONTAINER_SSHKEY",
  "PODMAN_",
  "SANDPIPER_",
  // Where servers are that the user hosts; keys come another way.
  "E2B_API_URL",
  "E2B_SANDBOX_URL",
  "E2B_DOMAIN",
  "DAYTONA_API_URL",
  // For Docker hosts that are reached by the user's own ssh. No sandbox gets this environment.
  "SSH_AUTH_SOCK",
  "DBUS_SESSION_BUS_ADDRESS",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "SYSTEMROOT",
  "WINDIR",
  "COMSPEC",
  "PATHEXT",
  "USERPROFILE",
  "USERNAME",
  "APPDATA",
  "LOCALAPPDATA",
  "PROGRAMDATA",
  "PROGRAMFILES",
  "WSL_DISTRO_NAME",
];
// Windows writes names in any case.
const NAMES = new Set(KEPT.filter((name) => !name.endsWith("_")));
const PREFIXES = KEPT.filter((name) => name.endsWith("_"));
// Kept prefixes cover some credentials; no provider reads these.
const DROPPED = /TOKEN|SECRET|PASSWORD|CREDENTIAL|AUTH/i;

/**
 * The environment of the engine's process: what it needs and no more. It outlives the window that starts it, so that the
 * window's own sockets, tokens and keys (`VSCODE_*`, `*_TOKEN`) have no business in it.
 */
export function toEngineEnv(env: NodeJS.ProcessEnv, isElectron: boolean): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => isKept(name.toUpperCase()));
  return { ...Object.fromEntries(kept), ...(isElectron ? { ELECTRON_RUN_AS_NODE: "1" } : {}) };
}

function isKept(name: string): boolean {
  return NAMES.has(name) || (PREFIXES.some((prefix) => name.startsWith(prefix)) && !DROPPED.test(name));
}
