import { chmod, open, readFile, rm, stat } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";

// Longer than anybody needs from looking at a dead socket to listening on a new one.
const LOCK_STALE_MS = 10_000;

/**
 * Listens on a socket that only the user can open. Of two that start at once, one wins: resolves false when another
 * engine answers there. The socket of an engine that died is replaced.
 */
export async function listenAlone(server: Server, socketPath: string): Promise<boolean> {
  if (socketPath.startsWith("\\\\.\\pipe\\")) return await tryToListen(server, socketPath);
  const lock = `${socketPath}.lock`;
  if (!(await takeLock(lock))) return false;
  try {
    if (await isAnswered(socketPath)) return false;
    await rm(socketPath, { force: true });
    if (!(await tryToListen(server, socketPath))) return false;
    await chmod(socketPath, 0o600);
    return true;
  } finally {
    await rm(lock, { force: true });
  }
}

/** Whether an engine answers on a socket. */
export function isAnswered(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}

function tryToListen(server: Server, socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === "EADDRINUSE") resolve(false);
      else
        reject(
          new SandboxError("unavailable", `Sandpiper's engine cannot listen on ${socketPath}: ${error.message}`, {
            cause: error,
          }),
        );
    };
    server.once("error", onError);
    server.listen(socketPath, () => {
      server.off("error", onError);
      resolve(true);
    });
  });
}

async function takeLock(lock: string): Promise<boolean> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const handle = await open(lock, "wx", 0o600);
      await handle.writeFile(String(process.pid));
      await handle.close();
      return true;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) {
        throw new SandboxError("unavailable", `Sandpiper's engine cannot start: ${toMessage(error)}`, { cause: error });
      }
      if (!(await isStale(lock))) return false;
      await rm(lock, { force: true });
    }
  }
  return false;
}

async function isStale(lock: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(lock);
    if (Date.now() - mtimeMs > LOCK_STALE_MS) return true;
    const pid = Number(await readFile(lock, "utf8"));
    return Number.isInteger(pid) && pid > 0 && !isAlive(pid);
  } catch {
    // It has just been given up.
    return true;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
