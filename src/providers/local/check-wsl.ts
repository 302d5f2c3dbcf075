import { posix } from "node:path";
import type { Call } from "../../core/call.ts";
import type { NetworkPolicy } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { ETC, ETC_WITH_NETWORK, type Mount, STORES, TOP_FOLDERS } from "./root-mounts.ts";
import { CHECK } from "./wsl-scripts.ts";
import { explainWslFailure, runInWsl, toScript, type WslHost } from "./wsl.ts";

/** What the default WSL distribution offers to sandboxes. */
export interface WslMachine {
  readonly host: WslHost;
  readonly bwrap: string;
  readonly canDisableUserNamespaces: boolean;
  readonly hasPerl: boolean;
  /** Folder in the distribution's own file system that holds a folder for each sandbox. */
  readonly state: string;
  listSystemMounts(network: NetworkPolicy): Mount[];
}

const INSTALLERS: Readonly<Record<string, string>> = {
  "apt-get": "apt-get install -y",
  dnf: "dnf install -y",
  pacman: "pacman -S --noconfirm",
  zypper: "zypper install -y",
  apk: "apk add",
};
const PACKAGES: Readonly<Record<string, string>> = { bwrap: "bubblewrap", find: "findutils", xargs: "findutils" };

const unavailable = (text: string): SandboxError => new SandboxError("unavailable", text);

/** Looks into the default distribution and proves that bubblewrap can make namespaces there. @throws {SandboxError} `unavailable` with the fix; there is no way to run without. */
export async function findWsl(host: WslHost, call: Call): Promise<WslMachine> {
  call.signal.throwIfAborted();
  const etc = [...ETC, ...ETC_WITH_NETWORK].map((name) => `/etc/${name}`);
  const answer = await runInWsl(host, toScript(CHECK, [...TOP_FOLDERS, "--", "/usr", ...STORES, ...etc]));
  const lines = answer.stdout.split("\n").filter((line) => line.startsWith("sandpiper "));
  const facts = lines.map((line) => line.slice("sandpiper ".length).split(" "));
  const refusal = facts.find(([name]) => name === "refused");
  if (refusal) throw explainRefusal(refusal.slice(1));
  const find = (name: string): string | undefined => facts.find(([known]) => known === name)?.[1];
  const [bwrap, state] = [find("bwrap"), find("state")];
  if (!bwrap || !state || !facts.some(([name]) => name === "end")) throw explainWslFailure(answer);
  const can = (what: string): boolean => facts.some(([name, value]) => name === "can" && value === what);
  const mounts = facts.flatMap((fact) => toMounts(fact));
  return {
    host,
    bwrap,
    state: posix.normalize(state),
    canDisableUserNamespaces: can("disable-userns"),
    hasPerl: can("perl"),
    listSystemMounts: (network) =>
      network === "full" ? mounts : mounts.filter(({ at }) => !ETC_WITH_NETWORK.some((name) => at === `/etc/${name}`)),
  };
}

function toMounts([kind, at, target]: readonly string[]): Mount[] {
  if (!at || !target) return [];
  if (kind === "link") return [{ kind, at, target }];
  return kind === "bind" ? [{ kind, at, source: target, writable: false, reachable: true }] : [];
}

function explainRefusal([reason, ...details]: readonly string[]): SandboxError {
  if (reason === "wsl1")
    return unavailable(
      "Local sandboxes need WSL 2, and the default distribution is of WSL 1. Find its name by: wsl --list --verbose, then run: wsl --set-version NAME 2. Or choose Docker.",
    );
  if (reason === "root")
    return unavailable(
      "The default user of the default WSL distribution is root, whom bubblewrap cannot confine enough. Make a user there (adduser NAME) and its default by: wsl --manage DISTRIBUTION --set-default-user NAME. Or choose Docker.",
    );
  if (reason === "missing") return unavailable(explainMissing(details[0] ?? "", details[1] ?? ""));
  return unavailable(
    `bubblewrap cannot make a sandbox in WSL: ${details.join(" ")}. Run: wsl --update, then: wsl --shutdown. Or choose Docker.`,
  );
}

function explainMissing(manager: string, tool: string): string {
  const name = PACKAGES[tool] ?? (tool === "tar" ? "tar" : "coreutils");
  const installer = INSTALLERS[manager];
  const fix = installer
    ? `Run: wsl -u root -e ${installer} ${name}`
    : `Install the package ${name} in the distribution.`;
  return `Local sandboxes need ${tool} in the default WSL distribution, where it is not installed. ${fix}`;
}
