import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import type { ConnectedEngine } from "../host/engine-client.ts";
import type { CliContext } from "./connect.ts";
import { TerminalOutput } from "./terminal-output.ts";
import { UsageError } from "./usage-error.ts";

/** What a command says, and how. */
export interface Io {
  /** To stdout, with a line feed. */
  readonly print: (line: string) => Promise<void>;
  /** One JSON object on a line. */
  readonly printJson: (value: unknown) => Promise<void>;
  readonly stdout: TerminalOutput;
}

/** Connects for as long as `action` takes; resolves with its exit code. */
export async function withEngine(
  context: CliContext,
  action: (engine: ConnectedEngine, io: Io) => Promise<number>,
): Promise<number> {
  const stdout = new TerminalOutput(process.stdout);
  const engine = await context.connect();
  try {
    return await action(engine, {
      stdout,
      print: (line) => stdout.write(`${line}\n`),
      printJson: (value) => stdout.write(`${JSON.stringify(value)}\n`),
    });
  } finally {
    await stdout.flush();
    await engine.dispose();
  }
}

/** A command's words and options. */
export interface Parsed<T extends ParseArgsOptionsConfig> {
  readonly words: readonly string[];
  readonly values: ReturnType<typeof parseArgs<{ options: T }>>["values"];
}

/**
 * @param maxWords how many words it takes @param missing what to say when the first is missing; it may be, when left out
 * @throws {UsageError}
 */
export function parseWords<T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
  maxWords: number,
  missing?: string,
): Parsed<T> {
  const { words, values } = parse(args, options);
  if (words.length > maxWords) throw new UsageError(`"${words[maxWords]}" is one word too many.`);
  if (missing !== undefined && words.length === 0) throw new UsageError(missing);
  return { words, values };
}

function parse<T extends ParseArgsOptionsConfig>(args: readonly string[], options: T): Parsed<T> {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { words: positionals, values };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
