import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { look } from "../look.ts";

const MAX_INCLUDES = 8;

/** Ignore files of a repository that are in none of its folders, the strongest first; they need not exist. */
export function findExcludeFiles(repository: string): readonly string[] {
  const common = findCommonFolder(repository);
  return [`${common}/info/exclude`, ...findGlobalExcludes(common)];
}

/**
 * The git folder that all worktrees of a repository share: in a worktree or a submodule `.git` is a file that names
 * another folder, which in turn may name the common one (https://git-scm.com/docs/gitrepository-layout).
 */
function findCommonFolder(repository: string): string {
  const git = `${repository}/.git`;
  if (!look(git)?.isFile()) return git;
  const named = /^gitdir: (.+?)\r?\n?$/.exec(read(git) ?? "")?.[1];
  if (named === undefined) return git;
  const own = resolve(repository, named);
  const common = read(`${own}/commondir`)?.trim();
  return common ? resolve(own, common) : own;
}

/**
 * `core.excludesFile` as git finds it, without running git: the configuration of the system, of the user and of the
 * repository, and what they include without a condition (https://git-scm.com/docs/git-config#FILES).
 */
function findGlobalExcludes(common: string): readonly string[] {
  const home = homedir();
  const ownConfig = process.env["XDG_CONFIG_HOME"] || join(home, ".config");
  const files = ["/etc/gitconfig", join(ownConfig, "git/config"), join(home, ".gitconfig"), `${common}/config`];
  let found = join(ownConfig, "git/ignore");
  for (const file of files) for (const value of readExcludesFile(file, home)) found = value;
  return found === "" ? [] : [found];
}

/** Every value in the file, in order. */
function* readExcludesFile(file: string, home: string, depth = 0): Iterable<string> {
  for (const { name, value } of readConfig(file)) {
    const path = toPath(value, dirname(file), home);
    if (name === "core.excludesfile") yield path;
    if (name === "include.path" && depth < MAX_INCLUDES) yield* readExcludesFile(path, home, depth + 1);
  }
}

/** Values of a file of git's, each by its section and name in lower case; those of subsections have no section. */
function* readConfig(file: string): Iterable<{ readonly name: string; readonly value: string }> {
  let section = "";
  for (const line of (read(file) ?? "").split("\n")) {
    const header = take(/^\s*\[[^\]]*\]/, line, 0);
    if (header !== "") section = take(/^\s*\[\s*([\w.-]+)\s*\]/, header, 1).toLowerCase();
    const assignment = line.slice(header.length);
    const key = take(/^\s*([\w-]+)\s*=/, assignment, 1).toLowerCase();
    if (key !== "") yield { name: `${section}.${key}`, value: take(/=\s*(.*?)\s*$/, assignment, 1) };
  }
}

function take(pattern: RegExp, text: string, group: number): string {
  return pattern.exec(text)?.[group] ?? "";
}

function toPath(value: string, folder: string, home: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(value)?.[1]?.replace(/\\(["\\])/g, "$1");
  const path = quoted ?? value.replace(/\s*[#;].*$/, "");
  if (path === "") return "";
  return path.startsWith("~/") ? join(home, path.slice(2)) : resolve(folder, path);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
