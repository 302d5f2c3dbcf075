import { SandboxError } from "../../core/sandbox-error.ts";
import { quoteForShell } from "../posix/shell-quote.ts";
import type { Spawned, Spawner } from "./spawn-run.ts";

/**
 * A command line for Windows that runs a program in the default WSL distribution: `--exec` goes past the shell of the
 * distribution, and `--cd /` past the Windows folder we are in. Plain words alone, since two programs take quotes apart
 * on the way, each by rules of its own: everything else goes by stdin. Not yet run on Windows.
 */
export function toWslCommand(words: readonly string[], systemRoot: string | undefined): string[] {
  const odd = words.find((word) => !/^[A-Za-z0-9._/@+-]+$/.test(word));
  if (odd !== undefined)
    throw new SandboxError(
      "unsupported",
      `Local sandboxes cannot be in "${odd}" of the WSL distribution: its path has characters other than letters, digits and ._/@+-. Choose Docker.`,
    );
  return [`${systemRoot ?? "C:\\Windows"}\\System32\\wsl.exe`, "--cd", "/", "--exec", ...words];
}

/** Environment for wsl.exe: WSLENV names what crosses into Linux, and that is nothing. */
export function toWslEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  const { SystemRoot = "C:\\Windows" } = env;
  return { SystemRoot, WSLENV: "", WSL_UTF8: "1" };
}

/** A script with its arguments, to be read by a POSIX shell. Read whole before it starts, so that none of it can be taken for input. */
export function toScript(text: string, args: readonly string[]): string {
  return `{ set -- ${args.map(quoteForShell).join(" ")}\n${text}\n}\n`;
}

/** What a script in WSL said and how it ended. */
export interface WslAnswer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Windows, as far as it leads into WSL. */
export interface WslHost {
  readonly spawn: Spawner;
  readonly env: NodeJS.ProcessEnv;
}

/** Starts a program of the distribution. @throws {SandboxError} `unavailable` with the fix when there is no wsl.exe */
export async function spawnInWsl({ spawn, env }: WslHost, words: readonly string[]): Promise<Spawned> {
  try {
    return await spawn(toWslCommand(words, env["SystemRoot"]), 3, { env: toWslEnv(env) });
  } catch (error) {
    const isMissing = error instanceof Error && isNotFound(error.cause);
    throw isMissing ? new SandboxError("unavailable", `Windows has no WSL. ${INSTALL}`, { cause: error }) : error;
  }
}

/** Runs a script from its standard input, as the distribution's default user, to its end. */
export async function runInWsl(host: WslHost, script: string): Promise<WslAnswer> {
  const spawned = await spawnInWsl(host, ["/bin/sh", "-s"]);
  spawned.stdin.end(script);
  const texts = Promise.all([readText(spawned.stdout), readText(spawned.stderr)]);
  await spawned.gone;
  const [stdout, stderr] = await texts;
  return { code: spawned.child.exitCode, stdout, stderr };
}

const INSTALL =
  "Local sandboxes on Windows run in WSL 2. In a terminal run: wsl --install -d Debian, restart Windows when it asks for it, and open Debian once. Or choose Docker.";

/** What to do when wsl.exe itself answered instead of the distribution; by its error codes, since its words are translated. */
export function explainWslFailure({ code, stdout, stderr }: WslAnswer): SandboxError {
  // Older ones answer in UTF-16 whatever they are asked for.
  const said = `${stdout}\n${stderr}`.replaceAll("\0", "").trim();
  const isEmpty = /DEFAULT_DISTRO_NOT_FOUND|no installed distributions/i.test(said);
  if (isEmpty) return new SandboxError("unavailable", `WSL has no Linux distribution yet. ${INSTALL}`);
  if (/OPTIONAL_COMPONENT_REQUIRED|HCS_E_SERVICE_NOT_AVAILABLE|is not installed/i.test(said))
    return new SandboxError("unavailable", `WSL is not installed, or switched off. ${INSTALL}`);
  if (/HYPERV_NOT_INSTALLED|0x80370102/i.test(said))
    return new SandboxError(
      "unavailable",
      "WSL 2 needs virtualization, which is switched off. Switch it on in the firmware (BIOS) and run: wsl --install --no-distribution. Or choose Docker.",
    );
  const text = said.split("\n").at(-1)?.trim() || `it ended with ${code ?? "a signal"}`;
  return new SandboxError("unavailable", `WSL could not be entered: ${text}. Try "wsl --update", or choose Docker.`);
}

function isNotFound(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}

async function readText(stream: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}
