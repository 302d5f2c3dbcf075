import { SandboxError } from "../../core/sandbox-error.ts";
import { toDisplay } from "../../core/workspace-path.ts";

/** What a target says about Modal. */
export interface ModalOptions {
  /** The account's own default when left out. */
  readonly environment?: string;
  /** Under which app sandboxes are made; created when missing. */
  readonly app: string;
  /** Any of them; Modal's choice when empty. */
  readonly regions: readonly string[];
  readonly cloud?: string;
  /** Laid over the image, one layer. */
  readonly dockerfile: readonly string[];
  /** Names of Modal secrets of that environment, whose variables every command gets. */
  readonly secrets: readonly string[];
  readonly exitSnapshot: boolean;
  readonly memorySnapshot: boolean;
}

/** The SDK's rule for names of objects, see `checkObjectName` in modal@0.11.1. */
const NAME = /^[A-Za-z0-9._-]{1,63}$/;
const PLACE = /^[a-z0-9-]{1,63}$/;
const MOST_DOCKERFILE_COMMANDS = 100;

/** Reads the options that `registry.ts` lists. @throws {SandboxError} `invalid`, naming the option */
export function parseModalOptions(options: Readonly<Record<string, string>>): ModalOptions {
  const environment = readWord(options, "environment", NAME);
  const cloud = readWord(options, "cloud", PLACE);
  return {
    ...(environment === undefined ? {} : { environment }),
    app: readWord(options, "app", NAME) ?? "sandpiper",
    regions: readWords(options, "regions", PLACE),
    ...(cloud === undefined ? {} : { cloud }),
    dockerfile: readDockerfile(options["dockerfile"]),
    secrets: readWords(options, "secrets", NAME),
    exitSnapshot: readSwitch(options, "exitSnapshot"),
    memorySnapshot: readSwitch(options, "memorySnapshot"),
  };
}

function readWord(
  options: Readonly<Record<string, string>>,
  name: keyof ModalOptions,
  pattern: RegExp,
): string | undefined {
  const value = options[name]?.trim();
  if (!value) return undefined;
  if (!pattern.test(value)) refuse(name, `is "${toDisplay(value)}", which cannot be a name there`);
  return value;
}

function readWords(
  options: Readonly<Record<string, string>>,
  name: keyof ModalOptions,
  pattern: RegExp,
): readonly string[] {
  const words = (options[name] ?? "").split(",").map((word) => word.trim());
  const found = words.filter(Boolean);
  for (const word of found)
    if (!pattern.test(word)) refuse(name, `names "${toDisplay(word)}", which cannot be a name there`);
  return found;
}

function readSwitch(options: Readonly<Record<string, string>>, name: keyof ModalOptions): boolean {
  const value = options[name] || "false";
  if (value !== "true" && value !== "false") refuse(name, 'has to be "true" or "false"');
  return value === "true";
}

/** Lines that end with a backslash go on, as in a Dockerfile; empty ones and comments are left out. */
function readDockerfile(text = ""): readonly string[] {
  const joined = text.replaceAll(/\\\r?\n/g, " ");
  const commands = joined
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (commands.length > MOST_DOCKERFILE_COMMANDS)
    refuse("dockerfile", `has more than ${MOST_DOCKERFILE_COMMANDS} lines`);
  for (const command of commands) checkDockerfileCommand(command);
  return commands;
}

function checkDockerfileCommand(command: string): void {
  const [instruction = ""] = command.split(/\s/, 1);
  if (!/^[A-Za-z]+$/.test(instruction)) refuse("dockerfile", `has a line that is no command: ${toDisplay(command)}`);
  if (/^from$/i.test(instruction)) refuse("dockerfile", "has a FROM line: the image itself says what it starts from");
  if (/^(?:copy|add)$/i.test(instruction) && !/^copy\s+--from=/i.test(command))
    refuse("dockerfile", "copies local files, which Modal can't see while it builds: the workspace is brought later");
}

function refuse(name: string, why: string): never {
  throw new SandboxError("invalid", `Modal's option "${name}" ${why}. Correct the target's options.`);
}
