import { execFile } from "node:child_process";
import { realpathSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { promisify } from "node:util";
import { findProgram } from "./find-program.ts";

/** Languages that users keep outside /usr: pyenv, nvm, conda, rbenv, /opt and the like. */
const INTERPRETERS = [
  "python3",
  "python",
  "node",
  "bun",
  "deno",
  "ruby",
  "go",
  "java",
  "Rscript",
  "php",
  "lua",
  "julia",
  "uv",
  "rustc",
];
const SYSTEM_ROOTS = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/nix", "/gnu", "/snap"];
/** Folders under home that hold more than a toolchain: of these, only the program itself is shown. */
const PRIVATE_FOLDERS = [".local", ".config", ".cache", ".cargo", ".ssh", ".npm", "Documents", "Desktop", "Downloads"];

/** What of the host's languages a sandbox may see besides /usr. */
export interface Toolchains {
  /** Files and folders to show read-only at their own paths. */
  readonly paths: readonly string[];
  /** Folders for the sandbox's PATH: the host's, as far as the sandbox has them. */
  readonly searchPath: readonly string[];
}

const SYSTEM_PATH = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Finds them by PATH. Asks a python that is a shim (pyenv, asdf) for its true prefix. */
export async function findToolchains(env: NodeJS.ProcessEnv): Promise<Toolchains> {
  const paths = new Set<string>();
  const replaced = new Map<string, string>();
  for (const name of INTERPRETERS) {
    const found = findProgram(name, env["PATH"]);
    if (!found || isSystem(found)) continue;
    const real = await resolveShim(found, name, env);
    const shown = toShownPath(real, env["HOME"]);
    if (!isSystem(shown)) paths.add(shown);
    if (!replaced.has(dirname(found)) || basename(dirname(found)) === "shims")
      replaced.set(dirname(found), dirname(real));
  }
  const searchPath = (env["PATH"] ?? "").split(":").map((folder) => replaced.get(folder) ?? folder);
  const visible = [...searchPath.filter((folder) => isShown(folder, paths)), ...SYSTEM_PATH];
  return { paths: [...paths], searchPath: [...new Set(visible)] };
}

/**
 * The folder that a program needs to run: the one above its `bin`, never home, what is above home, or a private folder
 * under it; then the program alone.
 */
export function toShownPath(program: string, home: string | undefined): string {
  const folder = dirname(program);
  const name = basename(folder);
  const prefix = name === "bin" || name === "shims" ? dirname(folder) : folder;
  return isTooMuch(prefix, home) ? program : prefix;
}

function isTooMuch(prefix: string, home: string | undefined): boolean {
  if (prefix.split(sep).filter(Boolean).length < 2) return true;
  if (!home) return false;
  if (isBelow(home, prefix)) return true;
  return PRIVATE_FOLDERS.some((folder) => prefix === join(home, folder));
}

async function resolveShim(found: string, name: string, env: NodeJS.ProcessEnv): Promise<string> {
  if (basename(dirname(found)) === "shims" && name.startsWith("python")) {
    try {
      const code = "import sys; print(sys.executable)";
      const { stdout } = await promisify(execFile)(found, ["-I", "-c", code], { env, cwd: "/", timeout: 10_000 });
      return realpathSync(stdout.trim());
    } catch {
      return found;
    }
  }
  try {
    return realpathSync(found);
  } catch {
    return found;
  }
}

function isShown(folder: string, paths: ReadonlySet<string>): boolean {
  return isSystem(folder) || [...paths].some((path) => isBelow(folder, path));
}

function isSystem(path: string): boolean {
  return SYSTEM_ROOTS.some((root) => isBelow(path, root));
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}${sep}`);
}
