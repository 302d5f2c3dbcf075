import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { clearRemains } from "./clear-remains.ts";
import { isAlive, withFileLock } from "./file-lock.ts";
import { CACHE_FOLDER } from "./test-image.ts";

const run = promisify(execFile);

/** A Docker daemon of the tests' own: it shares no socket, folder, bridge or firewall rule with one of the user's. */
export interface TestDaemon {
  readonly socketPath: string;
  /** Of dockerd itself, for tests that kill it. */
  readonly pid: number;
  /** Where containers with network reach this machine; empty when no bridge could be made. */
  readonly gateway: string;
  /** Gives it back; the last holder's call ends the daemon and resolves when it is gone. */
  stop(): Promise<void>;
}

const FOLDER = join(CACHE_FOLDER, "docker");
/** Of {@link startTestDaemon}, for those who have to name it before it runs. */
export const TEST_SOCKET = join(FOLDER, "docker.sock");
const START_TIMEOUT_MS = 60_000;
const BRIDGE = "sandpiper-test";
const GATEWAY = "172.31.251.1";

/**
 * The daemon that everything on this machine which tests shares; started by the first that asks. It ends when the last
 * holder has stopped it or has died. @throws Error with the exact reason when this machine can't run one.
 */
export function startTestDaemon(): Promise<TestDaemon> {
  return holdDaemon(FOLDER);
}

/** A daemon for one test that is going to kill it; its folder goes with it. Nothing is in it, images included. */
export async function startPrivateDaemon(): Promise<TestDaemon> {
  const folder = await mkdtemp(join(tmpdir(), "sandpiper-docker-"));
  const daemon = await holdDaemon(folder);
  return {
    ...daemon,
    stop: async () => {
      await daemon.stop();
      // One that was killed has left containers and mounts behind.
      await clearRemains(folder);
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

async function holdDaemon(folder: string): Promise<TestDaemon> {
  whyImpossible();
  const socketPath = join(folder, "docker.sock");
  const holder = join(folder, "holders", `${process.pid}-${randomUUID()}`);
  const lockFile = join(folder, "daemon.lock");
  const gateway = await withFileLock(lockFile, async () => {
    await mkdir(join(folder, "holders"), { recursive: true });
    await writeFile(holder, "");
    try {
      const address = await ensureBridge();
      if (!(await isHealthy(socketPath))) await launch(folder, socketPath, address !== "");
      return address;
    } catch (error) {
      await rm(holder, { force: true });
      throw error;
    }
  });
  const pid = Number(await readFile(join(folder, "dockerd.pid"), "utf8"));
  const stop = () =>
    withFileLock(lockFile, async () => {
      await rm(holder, { force: true });
      if ((await readdir(join(folder, "holders"))).some((name) => isAlive(Number.parseInt(name, 10)))) return;
      await endKeeper(folder);
    });
  return { socketPath, pid, gateway, stop };
}

function whyImpossible(): void {
  if (process.platform !== "linux") throw new Error("The Docker tests start their own dockerd, which needs Linux.");
  if (process.getuid?.() !== 0) throw new Error("The Docker tests start their own dockerd, which needs root.");
  if (!existsSync("/usr/sbin/dockerd") && !existsSync("/usr/bin/dockerd"))
    throw new Error("The Docker tests start their own dockerd, which is missing: apt-get install docker.io");
}

/** Whether tests may count on gVisor. */
export function hasGvisor(): boolean {
  return existsSync("/usr/bin/runsc");
}

// Ends the daemon when nobody who holds it lives any more. $1 is the folder of holders, the rest starts dockerd.
const KEEPER_SCRIPT = `holders=$1; shift
"$@" & daemon=$!
trap 'kill "$daemon"; wait "$daemon"; exit 0' TERM
while kill -0 "$daemon" 2>/dev/null; do
  alive=
  for holder in "$holders"/*; do
    pid=\${holder##*/}
    if kill -0 "\${pid%%-*}" 2>/dev/null; then alive=1; fi
  done
  [ -n "$alive" ] || kill "$daemon"
  sleep 2 & wait $!
done`;

async function launch(folder: string, socketPath: string, hasBridge: boolean): Promise<void> {
  await endKeeper(folder);
  const exec = join(folder, "exec");
  const pidFile = join(folder, "dockerd.pid");
  const configFile = join(folder, "daemon.json");
  await rm(pidFile, { force: true });
  await writeFile(configFile, JSON.stringify(toDaemonConfig()));
  const log = await open(join(folder, "dockerd.log"), "w");
  const args = ["--config-file", configFile, "--data-root", join(folder, "data"), "--exec-root", exec];
  args.push("--pidfile", pidFile, "--host", `unix://${socketPath}`, "--bridge", hasBridge ? BRIDGE : "none");
  // The firewall belongs to the machine: a second daemon that writes there breaks the first one's.
  args.push("--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false", "--userland-proxy=false");
  args.push("--containerd-namespace", "sandpiper-test", "--containerd-plugins-namespace", "sandpiper-test-plugins");
  const keeper = spawn("sh", ["-c", KEEPER_SCRIPT, "sh", join(folder, "holders"), "dockerd", ...args], {
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  keeper.unref();
  await log.close();
  await writeFile(join(folder, "keeper.pid"), String(keeper.pid));
  await waitUntilHealthy(folder, socketPath);
}

function toDaemonConfig(): object {
  const runtimes = hasGvisor()
    ? { runtimes: { runsc: { path: "/usr/bin/runsc", runtimeArgs: ["--network=none"] } } }
    : {};
  return { ...runtimes, "shutdown-timeout": 2 };
}

async function waitUntilHealthy(folder: string, socketPath: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await isHealthy(socketPath))) {
    if (Date.now() > deadline || !isAlive(await readKeeper(folder))) {
      const log = await readFile(join(folder, "dockerd.log"), "utf8").catch(() => "");
      await endKeeper(folder);
      throw new Error(`dockerd did not start: ${log.trim().split("\n").slice(-3).join("\n")}`);
    }
    await delay(100);
  }
}

function isHealthy(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: "/_ping", timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on("timeout", () => ping.destroy());
    ping.on("error", () => resolve(false));
    ping.end();
  });
}

async function readKeeper(folder: string): Promise<number> {
  return Number(await readFile(join(folder, "keeper.pid"), "utf8").catch(() => "0"));
}

async function endKeeper(folder: string): Promise<void> {
  const keeper = await readKeeper(folder);
  if (keeper <= 0) return;
  if (isAlive(keeper)) {
    process.kill(keeper, "SIGTERM");
    while (isAlive(keeper)) await delay(50);
  }
  await rm(join(folder, "keeper.pid"), { force: true });
}

/** A bridge that leads to this machine and no further. Returns its address, or nothing where bridges can't be made. */
async function ensureBridge(): Promise<string> {
  try {
    if (!existsSync(`/sys/class/net/${BRIDGE}`)) {
      await run("ip", ["link", "add", "name", BRIDGE, "type", "bridge"]);
      await run("ip", ["address", "add", `${GATEWAY}/24`, "dev", BRIDGE]);
      await run("ip", ["link", "set", BRIDGE, "up"]);
    }
    return GATEWAY;
  } catch {
    return "";
  }
}
