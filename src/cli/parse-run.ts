import { parseArgs } from "node:util";
import { DEFAULT_MAX_FILE_MIB, DEFAULT_MAX_UPLOAD_MIB } from "../sessions/default-target.ts";
import type { BatchPlan } from "../sessions/cloud-records.ts";
import type { RunCommand, RunRequest } from "../sessions/records.ts";
import { ACCOUNT_OPTIONS } from "./account.ts";
import { type CellChoice, parseCell } from "./cells.ts";
import { parseUsd } from "./costs.ts";
import { parseDuration } from "./duration.ts";
import { choose, parseCount, parsePairs, parseSizeMiB, TARGET_OPTIONS, toTarget } from "./parse-target.ts";
import { UsageError } from "./usage-error.ts";
import { findWorkspaceRoot, toWorkspacePath } from "./workspace-root.ts";

const PULLS = ["review", "apply", "none"] as const;

const OPTIONS = {
  ...TARGET_OPTIONS,
  ...ACCOUNT_OPTIONS,
  timeout: { type: "string" },
  budget: { type: "string" },
  count: { type: "string" },
  concurrency: { type: "string" },
  env: { type: "string", multiple: true },
  snapshot: { type: "string" },
  cell: { type: "string" },
  results: { type: "string" },
  "allow-secrets": { type: "boolean" },
  "allow-secret": { type: "string", multiple: true },
  "max-upload": { type: "string" },
  pull: { type: "string" },
  workspace: { type: "string" },
  json: { type: "boolean" },
  quiet: { type: "boolean" },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"];

/** What `sandpiper run` was asked. */
export interface RunArguments {
  readonly request: RunRequest;
  /** The id, or its beginning, of the snapshot whose files are to be run. */
  readonly snapshot: string | undefined;
  /** Which of the file's cells, when it is to be run by cells. */
  readonly cell: CellChoice | undefined;
  /** The folder that results of cells are saved into. */
  readonly results: string | undefined;
  /** How many runs of it, when it is to be a batch. */
  readonly plan: BatchPlan | undefined;
  /** Whose account is used, see `account.ts`. */
  readonly profile: string | undefined;
  readonly pull: (typeof PULLS)[number];
  readonly isJson: boolean;
  readonly isQuiet: boolean;
}

/**
 * @param args after "run"
 * @param env where the caller's Docker is: the engine may have been started from a shell that knew another
 * @throws {UsageError} {@link SandboxError}
 */
export function parseRunArguments(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): RunArguments {
  const { own, file, rest } = splitArguments(args);
  const values = parseValues(own);
  const maxUpload = values["max-upload"];
  const pull = choose("--pull", values.pull ?? "review", PULLS);
  const request: RunRequest = {
    ...toWhat(values, { cwd, file, rest }),
    target: toTarget(values, env),
    overlays: [],
    languages: {},
    env: parsePairs(
      "--env",
      (values.env ?? []).map((name) => withValue(name, env)),
    ),
    timeoutMs: values.timeout === undefined ? 0 : parseDuration(values.timeout),
    ...(values.budget === undefined ? {} : { budgetUsd: parseUsd("--budget", values.budget) }),
    origin: "cli",
    stopOnDisconnect: true,
    pull: pull !== "none",
    maxFileMiB: DEFAULT_MAX_FILE_MIB,
    maxUploadMiB: maxUpload === undefined ? DEFAULT_MAX_UPLOAD_MIB : parseSizeMiB("--max-upload", maxUpload),
    allowedSecrets: values["allow-secrets"] ? "all" : (values["allow-secret"] ?? []),
  };
  const { snapshot, profile, results } = values;
  const { json: isJson = false, quiet: isQuiet = false } = values;
  const cell = toCell(values, request.command);
  return { request, plan: toPlan(values), cell, results, snapshot, profile, pull, isJson, isQuiet };
}

// A name alone stands for the caller's own variable, so that a secret need not be on the command line.
function withValue(pair: string, env: NodeJS.ProcessEnv): string {
  if (pair.includes("=")) return pair;
  const value = env[pair];
  if (value === undefined)
    throw new UsageError(`--env ${pair}: there is no such variable here. Set it, or say NAME=VALUE.`);
  return `${pair}=${value}`;
}

function toCell({ cell, results, count, snapshot }: Values, command: RunCommand): CellChoice | undefined {
  if (cell === undefined) {
    if (results === undefined) return undefined;
    throw new UsageError("--results goes with --cell: nothing else shows results.");
  }
  if (count !== undefined || snapshot !== undefined)
    throw new UsageError("--cell goes neither with --count nor with --snapshot: cells go on from one another.");
  if (command.kind !== "file") throw new UsageError("--cell goes with a file: name the one with the cells.");
  if (command.args.length > 0) throw new UsageError("A cell takes no arguments: set them in its code.");
  return parseCell(cell);
}

function toPlan({ count, concurrency, pull }: Values): BatchPlan | undefined {
  if (count === undefined) {
    if (concurrency === undefined) return undefined;
    throw new UsageError("--concurrency goes with --count: say how many runs in all.");
  }
  if (pull === "apply")
    throw new UsageError("--pull apply is for one run: write what a run of a batch changed with sandpiper apply RUN.");
  return {
    count: parseCount("--count", count, 1),
    ...(concurrency === undefined ? {} : { concurrency: parseCount("--concurrency", concurrency, 1) }),
  };
}

interface Words {
  readonly cwd: string;
  readonly file: string | undefined;
  readonly rest: readonly string[];
}

// A command runs where it was typed; a file runs in the workspace, wherever the file is.
function toWhat(
  { workspace }: Values,
  { cwd, file, rest }: Words,
): Pick<RunRequest, "workspaceRoot" | "command" | "cwd"> {
  const workspaceRoot = findWorkspaceRoot({ cwd, file, workspace });
  if (file !== undefined) {
    return { workspaceRoot, command: { kind: "file", path: toWorkspacePath(workspaceRoot, cwd, file), args: rest } };
  }
  const folder = workspace === undefined ? toWorkspacePath(workspaceRoot, cwd, ".") : "";
  return { workspaceRoot, command: { kind: "argv", argv: rest }, ...(folder === "" ? {} : { cwd: folder }) };
}

// Whatever follows the file belongs to it.
function splitArguments(args: readonly string[]): { own: readonly string[]; file?: string; rest: readonly string[] } {
  const { tokens } = parseArgs({ args: [...args], options: OPTIONS, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === "option-terminator") {
      const rest = args.slice(token.index + 1);
      if (rest.length === 0) throw new UsageError("Say which command to run after --.");
      return { own: args.slice(0, token.index), rest };
    }
    if (token.kind === "positional") {
      return { own: args.slice(0, token.index), file: token.value, rest: args.slice(token.index + 1) };
    }
  }
  // Mistyped options are told of first.
  parseValues(args);
  throw new UsageError("Say which file to run, or -- and a command.");
}

function parseValues(args: readonly string[]): Values {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
