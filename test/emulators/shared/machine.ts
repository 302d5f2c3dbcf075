import { mkdir, readFile, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { killIfThere, signalAll } from "./process-signals.ts";
import type { SpawnedProcess, Spawner } from "./spawner.ts";

/** A folder of the host that a machine sees at a place of its own. */
export interface Bind {
  readonly from: string;
  readonly to: string;
  readonly isReadOnly?: true;
}

/** How to start one. */
export interface MachineOptions {
  readonly spawner: Spawner;
  /** The folder of the host that is the machine's `/`; see `prepareRoot`. */
  readonly root: string;
  /** What it sees besides, in the order in which it is mounted. */
  readonly binds?: readonly Bind[];
  readonly hostname: string;
  /** The host's network, or else none but a loopback of its own. */
  readonly hasNetwork: boolean;
  /** Its end is the machine's. */
  readonly entrypoint: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
}

/** A command inside. */
export interface MachineCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  /** A user's number: 1000, or root when absent and wherever there are no others. */
  readonly userId?: number | undefined;
}

/** A process that knows its number inside. */
export interface NumberedProcess extends SpawnedProcess {
  /** What `$$` is in it; leads a group of the same number. */
  readonly innerPid: number;
}

/** A tree of files and processes of its own, which commands enter. */
export interface Machine {
  /** The entry point's streams. */
  readonly entrypoint: SpawnedProcess;
  /** The entry point's exit code, 128 + n by a signal: then everything inside is gone. */
  readonly ended: Promise<number>;
  /** Starts a command in a session and process group of its own; it sees the same files and processes as all others. */
  start(command: MachineCommand): Promise<SpawnedProcess>;
  /** The same, for whoever has to know the process's number inside. @throws when the folder to start in is missing */
  startNumbered(command: MachineCommand): Promise<NumberedProcess>;
  /** Sends a signal to a command's own process, and not to what that has started. */
  signal(process: SpawnedProcess, signal: NodeJS.Signals): Promise<void>;
  /** Ends a command and its process group at once. */
  kill(process: SpawnedProcess): Promise<void>;
  /** Stops all processes inside where they are, until {@link thaw}. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Ends everything inside at once, frozen or not. */
  destroy(): Promise<void>;
}

const NAMESPACES = ["--preserve-credentials", "--user", "--mount", "--pid", "--ipc", "--uts"];
const SYSTEM = ["/usr", "/etc/alternatives", "/etc/ssl", "/etc/ca-certificates", "/etc/ld.so.cache"];
const INFO_FD = 3;
const READY_FD = 4;
const USERS_FD = 5;
const NUMBER_FD = 3;
/** Who there is inside besides root: the first user of most images, and nobody. */
const USERS = "0 0 1\n1000 101000 1\n65534 165534 1\n";
/** Whether machines have other users than root. */
export const mayGiveUsers = process.getuid?.() === 0;
const ENTER = 'cd "$0" && exec "$@"';
const ENTER_NUMBERED = `cd "$0" && echo $$ >&${NUMBER_FD} && exec ${NUMBER_FD}>&- && exec "$@"`;

/**
 * Starts a machine: bubblewrap with a user, PID, mount, IPC and host name namespace of its own, root inside, `/usr` and
 * the like read-only from the host, all else an empty tree that is written to. Commands enter by nsenter. Memory and
 * processors are not limited. There are other users than root only where the emulator itself runs as root.
 */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const { spawner, env, hasNetwork } = options;
  for (const { from } of options.binds ?? []) await mkdir(from, { recursive: true });
  const init = await spawner.spawn({ command: "bwrap", argv: toArguments(options), env, descriptors: USERS_FD + 1 });
  const [info, ready, users] = init.more;
  if (!info || !ready || !users) throw new Error("bubblewrap has no pipes.");
  const pid = await readPid(info);
  if (pid > 0 && mayGiveUsers) await giveUsers(pid);
  users.end("x");
  if ((await text(ready)) === "") throw new Error(`bubblewrap: ${await text(init.stderr)}`);
  const target = [...NAMESPACES, ...(hasNetwork ? [] : ["--net"]), "--target", String(pid), "--", "setsid"];
  const ended = init.ended.then(({ code, signal }) => code ?? 128 + constants.signals[signal ?? "SIGKILL"]);
  const entered = new Set<number>();
  const enter = async (script: string, { argv, env: own, workdir, userId }: MachineCommand, descriptors: number) => {
    const inside = [...toUser(userId), "/bin/sh", "-c", script, workdir, ...argv];
    const process = await spawner.spawn({ command: "nsenter", argv: [...target, ...inside], env: own, descriptors });
    entered.add(process.pid);
    void process.ended.finally(() => entered.delete(process.pid));
    return process;
  };
  // nsenter would stop itself with its child: it stops before and goes on after it, and notices nothing.
  const signalEntered = (signal: NodeJS.Signals) => entered.forEach((one) => killIfThere(one, signal));
  return {
    entrypoint: init,
    ended,
    start: (command) => enter(ENTER, command, NUMBER_FD),
    startNumbered: async (command) => toNumbered(await enter(ENTER_NUMBERED, command, NUMBER_FD + 1)),
    signal: async (process, signal) => (await findLeader(process)).forEach((leader) => killIfThere(leader, signal)),
    kill: async (process) => (await findLeader(process)).forEach((leader) => killIfThere(-leader, "SIGKILL")),
    async freeze() {
      signalEntered("SIGSTOP");
      await signalAll(pid, "SIGSTOP");
    },
    async thaw() {
      await signalAll(pid, "SIGCONT");
      signalEntered("SIGCONT");
    },
    async destroy() {
      killIfThere(pid, "SIGKILL");
      // One that goes on would see its child stopped, until that is really gone.
      signalEntered("SIGKILL");
      await ended;
    },
  };
}

function toArguments({ root, binds = [], hostname, hasNetwork, entrypoint, workdir }: MachineOptions): string[] {
  const close = `exec ${INFO_FD}>&- ${READY_FD}>&- ${USERS_FD}>&-`;
  const script = `chmod 1777 /dev/shm; echo ready >&${READY_FD}; ${close}; ${ENTER}`;
  return [
    ["--unshare-user", "--uid", "0", "--gid", "0", "--cap-add", "ALL"],
    ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", hostname, "--die-with-parent"],
    hasNetwork ? [] : ["--unshare-net"],
    ["--bind", root, "/"],
    SYSTEM.flatMap((place) => ["--ro-bind-try", place, place]),
    ["--proc", "/proc", "--dev", "/dev"],
    binds.flatMap(({ from, to, isReadOnly }) => [isReadOnly ? "--ro-bind" : "--bind", from, to]),
    mayGiveUsers ? ["--userns-block-fd", String(USERS_FD)] : [],
    ["--info-fd", String(INFO_FD), "--", "/bin/sh", "-c", script, workdir],
    entrypoint,
  ].flat();
}

function toUser(userId: number | undefined): string[] {
  if (!userId || !mayGiveUsers) return [];
  return ["setpriv", "--reuid", String(userId), "--regid", String(userId), "--clear-groups", "--"];
}

/** nsenter has the descriptor, too, and keeps it open: the line is waited for, not the end. */
async function toNumbered(process: SpawnedProcess): Promise<NumberedProcess> {
  const [number] = process.more;
  if (!number) throw new Error("The process has no number.");
  const line: unknown = (await createInterface(number)[Symbol.asyncIterator]().next()).value;
  const innerPid = Number(line);
  if (!innerPid) throw new Error((await text(process.stderr)) || "The process did not start.");
  return { ...process, innerPid };
}

/** nsenter's only child leads the command's group; none when it has ended. */
async function findLeader({ pid }: SpawnedProcess): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return children.split(" ").filter(Boolean).map(Number);
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
