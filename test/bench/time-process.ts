import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** Milliseconds that a line for the shell takes, from its start to its end. @throws when it fails */
export async function timeShell(line: string): Promise<number> {
  const startedAt = performance.now();
  await exec("sh", ["-c", line], { maxBuffer: 64 << 20 });
  return performance.now() - startedAt;
}

/** Milliseconds to the first byte that a program prints; resolves when it has ended. @throws when it fails */
export function timeFirstByte(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    let ms = 0;
    child.stdout.once("data", () => {
      ms = performance.now() - startedAt;
    });
    child.stdout.resume();
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve(ms) : reject(new Error(`${program} ended with ${code}`))));
  });
}
