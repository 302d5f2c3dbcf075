import { basename, extname } from "node:path/posix";
import ignore from "ignore";
import { SandboxError } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";
import type { LanguageMap } from "./records.ts";

const EXTENSION = /^\.[^.*?[/]+$/;
// Picks the first runner that the sandbox has; Node from 22.6 on removes types by itself.
const RUN_TYPESCRIPT =
  'if command -v tsx >/dev/null 2>&1; then exec tsx "$@"; fi; exec node --experimental-strip-types --disable-warning=ExperimentalWarning "$@"';
const TYPESCRIPT = ["sh", "-c", RUN_TYPESCRIPT, "sh"];

/** What runs a file, by extension, unless its first line or the user says otherwise. */
const BUILT_IN_LANGUAGES: LanguageMap = {
  ".py": ["python3", "-u"],
  ".js": ["node"],
  ".mjs": ["node"],
  ".cjs": ["node"],
  ".ts": TYPESCRIPT,
  ".mts": TYPESCRIPT,
  ".cts": TYPESCRIPT,
  ".sh": ["sh"],
  ".bash": ["bash"],
  ".zsh": ["zsh"],
  ".rb": ["ruby"],
  ".go": ["go", "run"],
  ".r": ["Rscript"],
  ".php": ["php"],
  ".pl": ["perl"],
};

/**
 * Program and leading arguments that run a file: the user's glob for its path, else its own first line, else the user's
 * entry for its extension, else ours. Extensions are compared without regard to case.
 * @param firstLine of the file, with or without "#!"
 * @throws {SandboxError} `invalid` with what to do when nothing matches
 */
export function resolveLanguage(path: string, firstLine: string, overrides: LanguageMap): readonly string[] {
  const extension = extname(path).toLowerCase();
  const found =
    findByGlob(path, overrides) ??
    parseShebang(firstLine) ??
    findByExtension(extension, overrides) ??
    findByExtension(extension, BUILT_IN_LANGUAGES);
  if (found) return found;
  const kind = extension === "" ? "files without an extension" : `"${toDisplay(extension)}" files`;
  const remedy =
    'Start it with a line such as "#!/usr/bin/env python3", or say what runs it in the setting sandpiper.run.languages.';
  throw new SandboxError(
    "invalid",
    `Sandpiper does not know how to run ${toDisplay(path)}: nothing is set for ${kind}. ${remedy}`,
  );
}

// Globs mean what they mean in an ignore file.
function findByGlob(path: string, map: LanguageMap): readonly string[] | undefined {
  const globs = Object.entries(map).filter(([key, argv]) => argv.length > 0 && !EXTENSION.test(key));
  return globs.find(([glob]) => ignore().add(glob).ignores(path))?.[1];
}

function findByExtension(extension: string, map: LanguageMap): readonly string[] | undefined {
  return Object.entries(map).find(([key, argv]) => argv.length > 0 && key.toLowerCase() === extension)?.[1];
}

/**
 * The command of a "#!" line, or undefined when it is none. Absolute paths become names: the sandbox keeps its
 * interpreters elsewhere than this machine does. As in Linux, what follows the program is one argument, unless
 * `env -S` splits it.
 */
export function parseShebang(firstLine: string): readonly string[] | undefined {
  const line = /^\uFEFF?#![ \t]*(.*?)[ \t\r]*$/.exec(firstLine)?.[1];
  if (!line) return undefined;
  const [program = "", rest = ""] = splitOnce(line);
  if (basename(program) === "env") return parseEnv(rest);
  return [basename(program), ...(rest === "" ? [] : [rest])];
}

function parseEnv(rest: string): readonly string[] | undefined {
  const words = rest.replace(/^(?:-S|--split-string[= ])[ \t]*/, "").split(/[ \t]+/);
  const at = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
  const [name, ...args] = words.slice(Math.max(at, 0));
  if (at < 0 || !name || name.startsWith("-")) return undefined;
  return [...(at > 0 ? ["env", ...words.slice(0, at)] : []), basename(name), ...args];
}

function splitOnce(line: string): readonly string[] {
  const match = /^(\S+)(?:[ \t]+(.*))?$/.exec(line);
  return match ? [match[1] ?? "", match[2] ?? ""] : [];
}

/** The program that people know a command by: "python3" of ["python3", "-u"], "node" of the TypeScript runner. */
export function toInterpreterName(argv: readonly string[]): string {
  return isTypeScriptRunner(argv) ? "node" : (argv[0] ?? "");
}

/** Whether a command runs TypeScript by whatever the sandbox has for it. */
export function isTypeScriptRunner(argv: readonly string[]): boolean {
  return argv[2] === RUN_TYPESCRIPT;
}
