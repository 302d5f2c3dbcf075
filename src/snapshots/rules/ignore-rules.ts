import { constants, closeSync, openSync, readFileSync, realpathSync } from "node:fs";
import { dirname, basename } from "node:path";
import { toDisplay } from "../../core/workspace-path.ts";
import { findExcludeFiles } from "./git-excludes.ts";
import { findPattern, type IgnorePatterns, parseIgnoreFile } from "./ignore-patterns.ts";
import { toSha256 } from "../regular-file.ts";
import { look } from "../look.ts";
import { whyLeftOutByName } from "./held-back-names.ts";

/** Why a path is left out: `secret` and `built-in` by its name, `rule` by a line of an ignore file. */
export interface Verdict {
  readonly kind: "secret" | "built-in" | "rule";
  /** For people, with how to let it through where that is possible. */
  readonly reason: string;
}

/** Which paths of a workspace stay out of snapshots. Paths are safe, POSIX and relative to the workspace. */
export interface IgnoreRules {
  isIgnored(path: string, isFolder: boolean): boolean;
  /** What leaves it, or a folder above it, out. */
  verdict(path: string, isFolder: boolean): Verdict | undefined;
  /** The verdict for people. */
  why(path: string, isFolder: boolean): string | undefined;
  /** The line that lets the path, or a folder above it, in although another rule would have left it out. */
  whyLetIn(path: string, isFolder: boolean): string | undefined;
}

/** The rules that hold for what is directly in one folder. A walk passes them down. */
export interface FolderRules {
  /** Relative to the workspace; "" for the workspace itself. */
  readonly folder: string;
  /** Equal for the same rules in the same folder, whenever they are read. */
  readonly key: string;
  /** Made when first asked for: a walk that finds everything as it was never asks. */
  layers(): Layers;
}

/** Deepest file first, as the deepest wins. */
interface Layers {
  readonly sandboxignore: readonly Layer[];
  readonly gitignore: readonly Layer[];
}

/** One ignore file. */
interface Layer {
  readonly patterns: IgnorePatterns;
  /** How to turn a path relative to the workspace into one relative to the file's folder. */
  readonly cut: number;
  readonly prefix: string;
  /** As people know the file: "src/.gitignore". */
  readonly source: string;
  /** sha-256 of the text. */
  readonly digest: string;
}

/** Which ignore files a folder has; found out by trying when nobody has listed the folder. */
export interface IgnoreFiles {
  readonly gitignore: boolean;
  readonly sandboxignore: boolean;
}

const BOTH: IgnoreFiles = { gitignore: true, sandboxignore: true };
// As git has it: case counts where the file system says so.
const IGNORE_CASE = process.platform === "win32" || process.platform === "darwin";
const MAX_RULES_BYTES = 4 * 1024 * 1024;

/** The rules as they are on disk now; each ignore file is read once, when a path below its folder is first asked about. */
export function readIgnoreRules(root: string): IgnoreRules {
  const folders = new Map<string, FolderRules | Verdict>();
  const enter = (path: string): FolderRules | Verdict => {
    const known = folders.get(path);
    if (known) return known;
    const rules = path === "" ? readRootRules(root) : enterFrom(enter(toParent(path)), path);
    folders.set(path, rules);
    return rules;
  };
  const enterFrom = (parent: FolderRules | Verdict, path: string): FolderRules | Verdict => {
    if ("reason" in parent) return parent;
    return judge(parent, basename(path), true) ?? enterFolder(root, parent, basename(path));
  };
  const verdict = (path: string, isFolder: boolean): Verdict | undefined => {
    const parent = enter(toParent(path));
    return "reason" in parent ? parent : judge(parent, basename(path), isFolder);
  };
  return {
    verdict,
    isIgnored: (path, isFolder) => verdict(path, isFolder) !== undefined,
    why: (path, isFolder) => verdict(path, isFolder)?.reason,
    whyLetIn(path, isFolder) {
      const parent = enter(toParent(path));
      const own = "reason" in parent ? undefined : decide(parent, basename(path), isFolder).letIn;
      return own ?? (toParent(path) === "" ? undefined : this.whyLetIn(toParent(path), true));
    },
  };
}

/** The rules of the workspace's own folder, those of a repository around it included. */
export function readRootRules(root: string, files: IgnoreFiles = BOTH): FolderRules {
  const outer = readOuterLayers(root);
  const outside = { key: outer.map(toKey).join(), layers: { sandboxignore: [], gitignore: outer } };
  return toFolderRules(root, "", files, { key: outside.key, layers: () => outside.layers });
}

/** The rules inside `name`, a folder that `judge` lets through. */
export function enterFolder(root: string, parent: FolderRules, name: string, files: IgnoreFiles = BOTH): FolderRules {
  const layers = (): Layers => parent.layers();
  return toFolderRules(root, toChild(parent.folder, name), files, { key: parent.key, layers });
}

function toFolderRules(
  root: string,
  folder: string,
  files: IgnoreFiles,
  inherited: Pick<FolderRules, "key" | "layers">,
): FolderRules {
  const sandboxignore = files.sandboxignore ? readLayers(root, folder, ".sandboxignore") : [];
  const gitignore = files.gitignore ? readLayers(root, folder, ".gitignore") : [];
  let layers: Layers | undefined;
  return {
    folder,
    key: [inherited.key, ...sandboxignore.map(toKey), ...gitignore.map(toKey)].join(),
    layers() {
      if (layers) return layers;
      const above = inherited.layers();
      layers = {
        sandboxignore: [...sandboxignore, ...above.sandboxignore],
        gitignore: [...gitignore, ...above.gitignore],
      };
      return layers;
    },
  };
}

function toKey({ source, digest }: Layer): string {
  return `${source}:${digest}`;
}

/** What is said of a name: a verdict that leaves it out, or for people what lets it in. */
interface Decision {
  readonly verdict?: Verdict;
  /** The line that lets in what another rule would have left out; missing when no rule says anything. */
  readonly letIn?: string;
}

/** Why `name`, directly in the folder of `rules`, is left out. See {@link decide}. */
export function judge(rules: FolderRules, name: string, isFolder: boolean): Verdict | undefined {
  return decide(rules, name, isFolder).verdict;
}

/**
 * A `.sandboxignore` has the last word, over our own list of names too; `.gitignore` comes after that list. Within each
 * kind the deepest file that says something wins (https://git-scm.com/docs/gitignore).
 */
function decide(rules: FolderRules, name: string, isFolder: boolean): Decision {
  if (isGitFolder(name)) return { verdict: { kind: "built-in", reason: "Git's own files are never sent" } };
  const path = toChild(rules.folder, name);
  const { sandboxignore, gitignore } = rules.layers();
  const own = ask(sandboxignore, path, isFolder);
  if (own) return own;
  const verdict = whyLeftOutByName(basename(rules.folder), name, isFolder);
  return verdict ? { verdict } : (ask(gitignore, path, isFolder) ?? {});
}

/** Whether git, on any platform, would take that name for a repository. */
function isGitFolder(name: string): boolean {
  return name.length === 4 && name.toLowerCase() === ".git";
}

// Only the path itself is asked about: a walk gets to no path in a folder that is left out.
function ask(layers: readonly Layer[], path: string, isFolder: boolean): Decision | undefined {
  for (const layer of layers) {
    const pattern = findPattern(layer.patterns, layer.prefix + path.slice(layer.cut), isFolder);
    if (!pattern) continue;
    const said = `"${toDisplay(pattern.text)}" in ${toDisplay(layer.source)}:${pattern.line}`;
    return pattern.isNegated ? { letIn: said } : { verdict: { kind: "rule", reason: `left out by ${said}` } };
  }
  return undefined;
}

/** One, or none. */
function readLayers(root: string, folder: string, name: string): Layer[] {
  // What is behind a link is not of this workspace.
  if (folder !== "" && !look(`${root}/${folder}`)?.isDirectory()) return [];
  const source = toChild(folder, name);
  const rules = readRules(`${root}/${source}`);
  return rules ? [{ ...rules, source, prefix: "", cut: folder === "" ? 0 : folder.length + 1 }] : [];
}

/** Weakest last: the `.gitignore` files of the repository above the workspace, then its `info/exclude`, then the user's own. */
function readOuterLayers(root: string): Layer[] {
  const layers: Layer[] = [];
  let prefix = "";
  for (let folder = root; ; folder = dirname(folder)) {
    if (folder !== root) addLayer(layers, `${folder}/.gitignore`, prefix);
    if (look(`${folder}/.git`)) {
      for (const file of findExcludeFiles(folder)) addLayer(layers, toRealFile(file), prefix);
      // Whoever opens a folder that the repository leaves out wants what is in it.
      return isLeftOut(layers, prefix) ? [] : layers;
    }
    // Without a repository around it, a folder above has no say.
    if (dirname(folder) === folder) return [];
    prefix = `${basename(folder)}/${prefix}`;
  }
}

/** Whether the workspace, or a folder that it is in, is left out of the repository around it. */
function isLeftOut(layers: readonly Layer[], prefix: string): boolean {
  const names = prefix.split("/").slice(0, -1);
  const inRepository = layers.map((layer) => ({ ...layer, prefix: "", cut: prefix.length - layer.prefix.length }));
  return names.some((_, at) => {
    const path = names.slice(0, at + 1).join("/");
    return (
      ask(
        inRepository.filter(({ cut }) => cut < path.length + 1),
        path,
        true,
      )?.verdict !== undefined
    );
  });
}

// Other than in a folder of the repository, git follows a link here.
function toRealFile(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function addLayer(layers: Layer[], file: string, prefix: string): void {
  const rules = readRules(file);
  if (rules) layers.push({ ...rules, source: file, prefix, cut: 0 });
}

/** Undefined when there is no such file; in a folder of the repository git does not follow a link either. */
function readRules(file: string): Pick<Layer, "patterns" | "digest"> | undefined {
  if (!look(file)?.isFile()) return undefined;
  try {
    const descriptor = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    try {
      const text = readFileSync(descriptor, "utf8").slice(0, MAX_RULES_BYTES);
      return { patterns: parseIgnoreFile(text, IGNORE_CASE), digest: toSha256(text) };
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

function toParent(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

function toChild(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}
