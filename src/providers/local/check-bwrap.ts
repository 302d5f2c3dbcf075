import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import type { Call } from "../../core/call.ts";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { findProgram } from "./find-program.ts";

/** What of bubblewrap there is on this machine. */
export interface Bwrap {
  readonly path: string;
  readonly canDisableUserNamespaces: boolean;
  /** What drops root's rights before bubblewrap starts; missing unless we are root. */
  readonly rootTools?: { readonly unshare: string; readonly setpriv: string };
}

const SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

/** Finds bubblewrap and proves that it can make namespaces. @throws {SandboxError} `unavailable` with the fix; there is no way to run without. */
export async function findBwrap(path: string | undefined, uid: number, call: Call): Promise<Bwrap> {
  const searchPath = `${path ?? ""}:${SYSTEM_PATH}`;
  const bwrap = findProgram("bwrap", searchPath);
  if (!bwrap)
    throw new SandboxError(
      "unavailable",
      `Local sandboxes need bubblewrap, which is not installed. ${howToInstall("bubblewrap")}`,
    );
  const rootTools = uid === 0 ? findRootTools(searchPath) : undefined;
  const help = await readHelp(bwrap, call);
  const found: Bwrap = {
    path: bwrap,
    canDisableUserNamespaces: help.includes("--disable-userns"),
    ...(rootTools ? { rootTools } : {}),
  };
  await probe(found, call);
  return found;
}

function findRootTools(searchPath: string): { unshare: string; setpriv: string } {
  const [unshare, setpriv] = [findProgram("unshare", searchPath), findProgram("setpriv", searchPath)];
  if (unshare && setpriv) return { unshare, setpriv };
  throw new SandboxError(
    "unavailable",
    `For root, local sandboxes need setpriv and unshare, which are not installed. ${howToInstall("util-linux")}`,
  );
}

async function readHelp(bwrap: string, call: Call): Promise<string> {
  try {
    return await run(bwrap, ["--help"], call);
  } catch (error) {
    call.signal.throwIfAborted();
    const message = `bubblewrap (${bwrap}) cannot be run: ${toSaid(toMessage(error))}. Mend or reinstall it. ${howToInstall("bubblewrap")}`;
    throw new SandboxError("unavailable", message, { cause: error });
  }
}

// What the program itself said, not how Node tells of it.
function toSaid(message: string): string {
  const [first = "", ...rest] = message.split("\n").filter((line) => line !== "");
  if (!first.startsWith("Command failed")) return first;
  return rest.find((line) => /^(?:bwrap|setpriv): /.test(line)) ?? rest[0] ?? "it ended without a word";
}

async function probe(bwrap: Bwrap, call: Call): Promise<void> {
  const argv = ["--unshare-all", "--unshare-user", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"];
  const drop = bwrap.rootTools
    ? [bwrap.rootTools.setpriv, "--reuid=1879048192", "--regid=1879048192", "--clear-groups", bwrap.path]
    : [bwrap.path];
  const [program = bwrap.path, ...args] = [...drop, ...argv];
  try {
    await run(program, args, call);
  } catch (error) {
    call.signal.throwIfAborted();
    throw new SandboxError(
      "unavailable",
      `bubblewrap cannot make a sandbox here: ${explainRefusal(toMessage(error))}`,
      { cause: error },
    );
  }
}

async function run(file: string, args: readonly string[], call: Call): Promise<string> {
  const { stdout } = await promisify(execFile)(file, args, {
    signal: call.signal,
    env: { PATH: SYSTEM_PATH },
    cwd: "/",
    timeout: 15_000,
  });
  return stdout;
}

/** What to do about bubblewrap's refusal, by the switches that distributions use to forbid user namespaces. */
export function explainRefusal(message: string, read: (file: string) => string | undefined = readSwitch): string {
  const said = toSaid(message);
  if (said.startsWith("setpriv: failed to execute"))
    return `${said}. It has to be where every user may run it. ${howToInstall("bubblewrap")}`;
  if (said.startsWith("setpriv: "))
    return `${said}. Root has no other users to run sandboxes as here (a rootless container?). Run Sandpiper as an ordinary user, or choose another provider.`;
  if (read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === "1")
    return `${said}. AppArmor forbids user namespaces (Ubuntu 24.04 and later). Run: sudo apt-get install -y apparmor-profiles && sudo ln -s /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && sudo systemctl reload apparmor`;
  if (read("/proc/sys/kernel/unprivileged_userns_clone") === "0")
    return `${said}. The kernel forbids user namespaces. Run: sudo sysctl -w kernel.unprivileged_userns_clone=1`;
  if (read("/proc/sys/user/max_user_namespaces") === "0")
    return `${said}. User namespaces are switched off. Run: sudo sysctl -w user.max_user_namespaces=15000`;
  return `${said}. In a container, allow user namespaces (for Docker: --security-opt seccomp=unconfined --security-opt apparmor=unconfined), or choose another provider.`;
}

function readSwitch(file: string): string | undefined {
  try {
    return readFileSync(file, "latin1").trim();
  } catch {
    return undefined;
  }
}

/** The command that installs a package here, by the package manager there is. */
export function howToInstall(name: string, exists: (file: string) => boolean = existsSync): string {
  const installers: readonly (readonly [string, string])[] = [
    ["/usr/bin/apt-get", "sudo apt-get install -y"],
    ["/usr/bin/dnf", "sudo dnf install -y"],
    ["/usr/bin/pacman", "sudo pacman -S --noconfirm"],
    ["/usr/bin/zypper", "sudo zypper install -y"],
    ["/sbin/apk", "sudo apk add"],
  ];
  const installer = installers.find(([file]) => exists(file))?.[1];
  return installer ? `Run: ${installer} ${name}` : `Install the package ${name} with your package manager.`;
}
