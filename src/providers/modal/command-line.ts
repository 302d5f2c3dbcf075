import { randomBytes } from "node:crypto";
import type { Sandbox } from "modal";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import { quoteForShell } from "../posix/shell-quote.ts";
import { createStdinWriter } from "../posix/stdin-writer.ts";
import { TOOLS } from "./layout.ts";

/** The SDK refuses command lines over 65,536 characters; the server may count bytes. */
const MOST_BYTES = 60_000;
/** Linux's MAX_ARG_STRLEN and a usual ARG_MAX: no program could be started with more. */
const LONGEST_ARGUMENT_BYTES = 128 * 1024 - 1;
const MOST_SPOOLED_BYTES = 2 * 1024 * 1024 - 64 * 1024;

/**
 * What to run instead of a command line that is too long for a request: a script with it, which is put into the sandbox
 * first and removes itself before it becomes the command. Short ones stay as they are.
 */
export async function spoolLongCommand(
  sandbox: Sandbox,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const sizes = argv.map((argument) => Buffer.byteLength(argument) + 1);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes <= MOST_BYTES) return argv;
  if (Math.max(...sizes) > LONGEST_ARGUMENT_BYTES || bytes > MOST_SPOOLED_BYTES)
    throw new SandboxError("invalid", "The command line is too long for Linux. Pass long texts by a file or stdin.");
  const file = `${TOOLS}/${randomBytes(8).toString("hex")}.command`;
  const script = `rm -f -- ${file}\nexec ${argv.map(quoteForShell).join(" ")}\n`;
  await abortable(writeFile(sandbox, file, Buffer.from(script)), signal);
  return ["/bin/sh", file];
}

// The first process may still be about to make the folder, which has to be open to those who run its scripts.
const WRITE = 'umask 022; mkdir -p "$1"; umask 077; cat >"$2" && echo written';

/** Readable by root alone. */
async function writeFile(sandbox: Sandbox, path: string, content: Uint8Array): Promise<void> {
  const argv = ["/bin/sh", "-c", WRITE, "sandpiper", TOOLS, path];
  const process = await sandbox.exec(argv, { mode: "binary", workdir: "/", stderr: "ignore" });
  const writer = createStdinWriter(process.stdin);
  await writer.write(content);
  await writer.close();
  if (Buffer.from(await process.stdout.readBytes()).toString() !== "written\n")
    throw new SandboxError("quota", "The command line could not be brought into the sandbox: its disk is full.");
}
