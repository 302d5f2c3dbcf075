import { parseArgs } from "node:util";
import { PROVIDER_IDS, type NetworkPolicy, type ProviderId } from "../core/provider.ts";
import { DEFAULT_MAX_FILE_MIB, DEFAULT_MAX_UPLOAD_MIB, DEFAULT_TARGET } from "../sessions/default-target.ts";
import type { RunRequest, Target } from "../sessions/records.ts";
import { parseDuration } from "./duration.ts";
import { UsageError } from "./usage-error.ts";
import { findWorkspaceRoot, toWorkspacePath } from "./workspace-root.ts";

const PULLS = ["review", "apply", "none"] as const;
const NETWORKS: readonly NetworkPolicy[] = ["none", "full"];

const OPTIONS = {
  provider: { type: "string" },
  image: { type: "string" },
  network: { type: "string" },
  gpu: { type: "string" },
  memory: { type: "string" },
  timeout: { type: "string" },
  env: { type: "string", multiple: true },
  option: { type: "string", multiple: true },
  pull: { type: "string" },
  workspace: { type: "string" },
  json: { type: "boolean" },
  quiet: { type: "boolean" },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"];

/** What `sandpiper run` was asked. */
export interface RunArguments {
  readonly request: RunRequest;
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
  const pull = choose("--pull", values.pull ?? "review", PULLS);
  const request: RunRequest = {
    ...toWhat(values, { cwd, file, rest }),
    target: toTarget(values, env),
    overlays: [],
    languages: {},
    env: parsePairs("--env", values.env ?? []),
    timeoutMs: values.timeout === undefined ? 0 : parseDuration(values.timeout),
    origin: "cli",
    stopOnDisconnect: true,
    pull: pull !== "none",
    maxFileMiB: DEFAULT_MAX_FILE_MIB,
    maxUploadMiB: DEFAULT_MAX_UPLOAD_MIB,
    allowedSecrets: [],
  };
  return { request, pull, isJson: values.json ?? false, isQuiet: values.quiet ?? false };
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

function toTarget(values: Values, env: NodeJS.ProcessEnv): Target {
  const { image, gpu } = values;
  const providerId = choose<ProviderId>("--provider", values.provider ?? DEFAULT_TARGET.providerId, PROVIDER_IDS);
  const options = parsePairs("--option", values.option ?? []);
  return {
    ...DEFAULT_TARGET,
    providerId,
    options: providerId === "docker" ? { ...toDockerPlace(options, env), ...options } : options,
    network: choose("--network", values.network ?? DEFAULT_TARGET.network, NETWORKS),
    memoryMiB: parseCount("--memory", values.memory, DEFAULT_TARGET.memoryMiB),
    ...(image === undefined ? {} : { image }),
    ...(gpu === undefined ? {} : { gpu }),
  };
}

// In the order of the docker command: what was said, then DOCKER_HOST, then DOCKER_CONTEXT.
function toDockerPlace(options: Readonly<Record<string, string>>, env: NodeJS.ProcessEnv): Record<string, string> {
  if (options["host"] !== undefined || options["context"] !== undefined) return {};
  const { DOCKER_HOST: host, DOCKER_CONTEXT: context } = env;
  if (host) return { host };
  return context ? { context } : {};
}

function choose<T extends string>(option: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new UsageError(`${option} is one of ${choices.join(", ")}; not "${value}".`);
  return found;
}

function parseCount(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0)
    throw new UsageError(`${option} is a whole number above 0; not "${text}".`);
  return Number(text);
}

function parsePairs(option: string, pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at <= 0) throw new UsageError(`${option} is written as NAME=VALUE.`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
