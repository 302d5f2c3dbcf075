import type { Socket } from "node:net";
import { pipeline } from "node:stream";
import type { Machine } from "./machine.ts";

/** bash connects standard input, which it would take away from a command in the background, and output to a port inside. */
const CONNECT = 'exec 4<&0 3<>"/dev/tcp/127.0.0.1/$0" || exit; cat <&4 >&3 & exec cat <&3';
const ENV = { PATH: "/usr/local/bin:/usr/bin:/bin" };

/** Joins a socket to a port inside a machine; it is closed when nothing listens there or the machine is gone. */
export async function joinToPort(socket: Socket, findMachine: () => Promise<Machine>, port: number): Promise<void> {
  socket.on("error", ignore);
  try {
    const machine = await findMachine();
    const process = await machine.start({ argv: ["bash", "-c", CONNECT, String(port)], env: ENV, workdir: "/" });
    process.stderr.resume();
    pipeline(socket, process.stdin, ignore);
    pipeline(process.stdout, socket, ignore);
    socket.once("close", () => void machine.kill(process));
  } catch {
    socket.destroy();
  }
}

function ignore(): void {}
