import { chmodSync, existsSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { SpawnedProcess, Spawner } from "./spawner.ts";

/** Where the files of one machine are on the host. */
interface MachinePlaces {
  /** Holds `root`, which is the machine's `/` and has been prepared, and `mounts`, what was written over mounted images. */
  readonly folder: string;
  /** All images; the machine sees them read-only, below `/__modal/images`. */
  readonly images: string;
}

/** How to start one. */
export interface MachineOptions {
  readonly spawner: Spawner;
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

/** A tree of files and processes of its own, which commands enter. */
export interface Machine {
  /** The entry point's streams. */
  readonly entrypoint: SpawnedProcess;
  /** The entry point's exit code, 128 + n by a signal: then everything inside is gone. */
  readonly ended: Promise<number>;
  /** Starts a command in a session and process group of its own; it sees the same files and processes as all others. */
  start(command: MachineCommand): Promise<SpawnedProcess>;
  /** Ends a command and its process group at once. */
  kill(process: SpawnedProcess): Promise<void>;
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
const mayGiveUsers = process.getuid?.() === 0;
const PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n";
const ENTER = 'cd "$0" && exec "$@"';

/**
 * Starts a machine: bubblewrap with a user, PID, mount, IPC and host name namespace of its own, root inside, `/usr` and
 * the like read-only from the host, all else an empty tree that is written to. Commands enter by nsenter. Memory and
 * processors are not limited. There are other users than root only where the emulator itself runs as root.
 */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  await mkdir(path.join(options.places.folder, "mounts"), { recursive: true });
  const { spawner, env, hasNetwork } = options;
  const init = await spawner.spawn({ command: "bwrap", argv: toArguments(options), env, descriptors: USERS_FD + 1 });
  const [info, ready, users] = init.more;
  if (!info || !ready || !users) throw new Error("bubblewrap has no pipes.");
  const pid = await readPid(info);
  if (pid > 0 && mayGiveUsers) await giveUsers(pid);
  users.end("x");
  if ((await text(ready)) === "") throw new Error(`bubblewrap: ${await text(init.stderr)}`);
  const target = [...NAMESPACES, ...(hasNetwork ? [] : ["--net"]), "--target", String(pid)];
  const ended = init.ended.then(({ code, signal }) => code ?? 128 + constants.signals[signal ?? "SIGKILL"]);
  return {
    entrypoint: init,
    ended,
    start: ({ argv, env: own, workdir }) =>
      spawner.spawn({
        command: "nsenter",
        argv: [...target, "--", "setsid", "/bin/sh", "-c", ENTER, workdir, ...argv],
        env: own,
      }),
    kill: killGroup,
    destroy: async () => {
      killIfThere(pid);
      await ended;
    },
  };
}

/** What a new `/` holds before an image's files are laid over it. Not asynchronous: twenty small steps are faster so. */
export function prepareRoot(root: string): void {
  for (const name of ["etc", "root", "home", "tmp", "var/tmp"]) mkdirSync(path.join(root, name), { recursive: true });
  for (const name of ["tmp", "var/tmp"]) chmodSync(path.join(root, name), 0o1777);
  for (const name of LINKS.filter((link) => existsSync(`/usr/${link}`))) {
    if (!lstatSync(path.join(root, name), { throwIfNoEntry: false })) symlinkSync(`usr/${name}`, path.join(root, name));
  }
  writeFileSync(path.join(root, "etc/passwd"), PASSWD);
  writeFileSync(path.join(root, "etc/group"), "root:x:0:\nnogroup:x:65534:\n");
  writeFileSync(path.join(root, "etc/hosts"), "127.0.0.1 localhost modal\n");
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

/** nsenter's only child is the leader of the command's group. */
async function killGroup({ pid }: SpawnedProcess): Promise<void> {
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

/** bubblewrap waits for it. Source: user_namespaces(7), "User and group ID mappings". */
async function giveUsers(pid: number): Promise<void> {
  for (const map of ["uid_map", "gid_map"]) await writeFile(`/proc/${pid}/${map}`, USERS);
}

/** Of the first process; 0 when bubblewrap did not start it. Reads on after it: bubblewrap does not survive a closed pipe. */
function readPid(stream: Readable): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  let info = "";
  stream.on("data", (chunk) => {
    info += String(chunk);
    const [, pid] = /"child-pid": (\d+)\D/.exec(info) ?? [];
    if (pid) resolve(Number(pid));
  });
  stream.once("end", () => resolve(0));
  return promise;
}
