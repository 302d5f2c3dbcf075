import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { Duplex, Readable, type Writable } from "node:stream";
import { text } from "node:stream/consumers";

/** Where the files of one machine are on the host. */
interface MachinePlaces {
  /** Holds `root`, which is the machine's `/`, and `mounts`, what was written over mounted images. */
  readonly folder: string;
  /** All images; the machine sees them read-only, below `/__modal/images`. */
  readonly images: string;
}

/** How to start one. */
export interface MachineOptions {
  readonly places: MachinePlaces;
  readonly hasNetwork: boolean;
  /** Its end is the machine's. */
  readonly entrypoint: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
}

/** A command inside. */
interface MachineCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
}

/** A process with pipes at all three of its streams. */
export type PipedProcess = ChildProcess & { stdin: Writable; stdout: Readable; stderr: Readable };

/** A tree of files and processes of its own, which commands enter. */
export interface Machine {
  /** The entry point's streams. */
  readonly entrypoint: PipedProcess;
  /** The entry point's exit code, 128 + n by a signal: then everything inside is gone. */
  readonly ended: Promise<number>;
  /** Starts a command in a session and process group of its own; it sees the same files and processes as all others. */
  start(command: MachineCommand): PipedProcess;
  /** Ends a command and its process group at once. */
  kill(process: ChildProcess): Promise<void>;
  /** Ends everything inside at once. */
  destroy(): Promise<void>;
}

const NAMESPACES = ["--preserve-credentials", "--user", "--mount", "--pid", "--ipc", "--uts"];
const SYSTEM = ["/usr", "/etc/alternatives", "/etc/ssl", "/etc/ca-certificates", "/etc/ld.so.cache"];
const LINKS = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
const INFO_FD = 3;
const READY_FD = 4;
const USERS_FD = 5;
/** Who there is inside besides root: the first user of most images, and nobody. */
const USERS = "0 0 1\n1000 101000 1\n65534 165534 1\n";
const ENTER = 'cd "$0" && exec "$@"';

/**
 * Starts a machine: bubblewrap with a user, PID, mount, IPC and host name namespace of its own, root inside, `/usr` and
 * the like read-only from the host, all else an empty tree that is written to. Commands enter by nsenter. Memory and
 * processors are not limited. There are other users than root only where the emulator itself runs as root.
 */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  await prepareRoot(path.join(options.places.folder, "root"));
  await mkdir(path.join(options.places.folder, "mounts"), { recursive: true });
  const init = spawn("bwrap", toArguments(options), {
    env: { ...options.env },
    stdio: ["pipe", "pipe", "pipe", "pipe", "pipe", "pipe"],
  });
  const ended = toExitCode(init);
  if (!isPiped(init)) throw new Error("bubblewrap: no pipes");
  const pid = await readPid(init);
  if (pid > 0) await giveUsers(init, pid);
  const ready = await readAll(init, READY_FD);
  if (ready === "") throw new Error(`bubblewrap: ${await text(init.stderr)}`);
  return {
    entrypoint: init,
    ended,
    start: (command) =>
      startInside([...NAMESPACES, ...(options.hasNetwork ? [] : ["--net"]), "--target", String(pid)], command),
    kill: killGroup,
    destroy: async () => {
      killIfThere(pid);
      await ended;
    },
  };
}

/** What a new `/` holds before an image's files are laid over it. */
export async function prepareRoot(root: string): Promise<void> {
  for (const name of ["etc", "root", "home", "tmp", "var/tmp"]) await mkdir(path.join(root, name), { recursive: true });
  for (const name of ["tmp", "var/tmp"]) await chmod(path.join(root, name), 0o1777);
  for (const name of LINKS.filter((link) => existsSync(`/usr/${link}`))) {
    await symlink(`usr/${name}`, path.join(root, name)).catch(ignoreExisting);
  }
  await writeFile(path.join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n");
  await writeFile(path.join(root, "etc/group"), "root:x:0:\nnogroup:x:65534:\n");
  await writeFile(path.join(root, "etc/hosts"), "127.0.0.1 localhost modal\n");
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

function toArguments({ places, hasNetwork, entrypoint, workdir }: MachineOptions): string[] {
  const script = `echo ready >&${READY_FD}; exec ${INFO_FD}>&- ${READY_FD}>&- ${USERS_FD}>&-; ${ENTER}`;
  return [
    ["--unshare-user", "--uid", "0", "--gid", "0", "--cap-add", "ALL"],
    ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "modal", "--die-with-parent"],
    hasNetwork ? [] : ["--unshare-net"],
    ["--bind", path.join(places.folder, "root"), "/"],
    SYSTEM.flatMap((place) => ["--ro-bind-try", place, place]),
    ["--proc", "/proc", "--dev", "/dev"],
    ["--ro-bind", places.images, "/__modal/images"],
    ["--bind", path.join(places.folder, "mounts"), "/__modal/mounts"],
    mayGiveUsers ? ["--userns-block-fd", String(USERS_FD)] : [],
    ["--info-fd", String(INFO_FD), "--", "/bin/sh", "-c", script, workdir],
    entrypoint,
  ].flat();
}

function startInside(target: readonly string[], { argv, env, workdir }: MachineCommand): PipedProcess {
  const enter = [...target, "--", "setsid", "/bin/sh", "-c", ENTER, workdir, ...argv];
  return spawn("nsenter", enter, { env: { ...env }, stdio: "pipe", detached: true });
}

/** nsenter's only child is the leader of the command's group. */
async function killGroup({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined) return;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  for (const child of children.split(" ").filter(Boolean)) killIfThere(-Number(child));
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function isPiped(child: ChildProcess): child is PipedProcess {
  return child.stdin !== null && child.stdout !== null && child.stderr !== null;
}

const mayGiveUsers = process.getuid?.() === 0;

/** bubblewrap waits for it. Source: user_namespaces(7), "User and group ID mappings". */
async function giveUsers(child: ChildProcess, pid: number): Promise<void> {
  if (!mayGiveUsers) return;
  for (const map of ["uid_map", "gid_map"]) await writeFile(`/proc/${pid}/${map}`, USERS);
  const ready = child.stdio.at(USERS_FD);
  if (ready instanceof Duplex) ready.end("x");
}

/** Of the first process; 0 when bubblewrap did not start it. Reads on after it: bubblewrap does not survive a closed pipe. */
function readPid(child: ChildProcess): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const stream = child.stdio[INFO_FD];
  let info = "";
  if (!(stream instanceof Readable)) return Promise.resolve(0);
  stream.on("data", (chunk) => {
    info += String(chunk);
    const [, pid] = /"child-pid": (\d+)\D/.exec(info) ?? [];
    if (pid) resolve(Number(pid));
  });
  stream.once("close", () => resolve(0));
  return promise;
}

async function readAll(child: ChildProcess, descriptor: number): Promise<string> {
  const stream = child.stdio[descriptor];
  return stream instanceof Readable ? text(stream) : "";
}

function toExitCode(init: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    init.once("error", () => resolve(127));
    init.once("exit", (code) => resolve(code ?? 137));
  });
}
