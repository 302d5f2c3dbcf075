import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** What a tree is like: as requests, prettier and babel were when performance.md was written. */
interface TreeShape {
  readonly fileCount: number;
  readonly folderCount: number;
  readonly totalBytes: number;
  readonly medianBytes: number;
}

const SHAPES = {
  small: { fileCount: 130, folderCount: 20, totalBytes: 1_300_000, medianBytes: 2600 },
  medium: { fileCount: 9347, folderCount: 3357, totalBytes: 24_000_000, medianBytes: 420 },
  large: { fileCount: 27_674, folderCount: 13_024, totalBytes: 40_000_000, medianBytes: 111 },
} as const satisfies Readonly<Record<string, TreeShape>>;

export type TreeSize = keyof typeof SHAPES;

/** A folder to measure on. */
export interface Tree {
  readonly size: TreeSize;
  readonly root: string;
  readonly fileCount: number;
  /** A file in the middle of it, for whoever wants to change one. */
  readonly file: string;
}

/** Counts up with what is generated, so that an older cache is not taken for it. */
const VERSION = 1;
const CACHE = join(tmpdir(), "sandpiper-bench");
const MAX_DEPTH = 9;
const MAX_FILE_BYTES = 1 << 20;

/** The same tree every time, committed to a git repository of its own and clean; made once and kept among the temporary files. */
export async function ensureTree(size: TreeSize): Promise<Tree> {
  const root = join(CACHE, `${size}-${VERSION}`);
  const shape = SHAPES[size];
  const files = toFiles(shape);
  if (!existsSync(root)) await makeTree(root, files);
  await git(root, "reset", "--quiet", "--hard");
  await git(root, "clean", "-ffdxq");
  return { size, root, fileCount: files.length, file: files[files.length >> 1]?.path ?? "" };
}

/** Its files, relative to it. */
export function listFiles(size: TreeSize): readonly string[] {
  return toFiles(SHAPES[size]).map(({ path }) => path);
}

interface GeneratedFile {
  readonly path: string;
  readonly sizeBytes: number;
}

async function makeTree(root: string, files: readonly GeneratedFile[]): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const scratch = mkdtempSync(join(CACHE, "making-"));
  const random = createRandom(2);
  const text = toText(MAX_FILE_BYTES * 2, random);
  for (const { path } of files) mkdirSync(join(scratch, dirname(path)), { recursive: true });
  for (const [index, { path, sizeBytes }] of files.entries()) {
    const start = Math.floor(random() * MAX_FILE_BYTES);
    const mode = index % 100 === 0 ? 0o755 : 0o644;
    writeFileSync(join(scratch, path), text.subarray(start, start + sizeBytes), { mode });
  }
  await git(scratch, "init", "--quiet");
  await git(scratch, "config", "gc.auto", "0");
  await git(scratch, "add", "--all");
  const identity = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"];
  await git(scratch, ...identity, "commit", "--quiet", "--message", "Generate");
  renameSync(scratch, root);
}

function toFiles({ fileCount, folderCount, totalBytes, medianBytes }: TreeShape): readonly GeneratedFile[] {
  const random = createRandom(1);
  const folders = toFolders(folderCount, random);
  // A log-normal distribution is what sizes of source files come near to; its mean tells how wide it is.
  const sigma = Math.sqrt(2 * Math.log(totalBytes / fileCount / medianBytes));
  return Array.from({ length: fileCount }, (_, index) => {
    const folder = folders[index] ?? folders[Math.floor(random() * folders.length)] ?? "";
    const sizeBytes = Math.round(medianBytes * Math.exp(sigma * toNormal(random)));
    return { path: join(folder, `file-${index}.js`), sizeBytes: Math.min(sizeBytes, MAX_FILE_BYTES) };
  });
}

function toFolders(count: number, random: () => number): readonly string[] {
  const folders = ["src"];
  while (folders.length < count) {
    const parent = folders[Math.floor(random() * folders.length)] ?? "src";
    if (parent.split("/").length < MAX_DEPTH) folders.push(`${parent}/folder-${folders.length}`);
  }
  return folders;
}

/** Standard normal: Box and Muller, https://en.wikipedia.org/wiki/Box%E2%80%93Muller_transform. */
function toNormal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function toText(sizeBytes: number, random: () => number): Buffer {
  const words = "const let return function import from await async if else for of value name path file".split(" ");
  const parts: string[] = [];
  for (let length = 0; length < sizeBytes; length += parts.at(-1)?.length ?? 0) {
    const word = words[Math.floor(random() * words.length)] ?? "";
    const number = Math.floor(random() * 1e6).toString(36);
    parts.push(random() < 0.12 ? `${word}${number};\n` : `${word}_${number} `);
  }
  return Buffer.from(parts.join("")).subarray(0, sizeBytes);
}

/** Numbers from 0 to 1, the same for the same seed: mulberry32, https://github.com/bryc/code/blob/master/jshash/PRNGs.md. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function git(folder: string, ...args: readonly string[]): Promise<void> {
  await exec("git", ["-C", folder, ...args], { maxBuffer: 64 << 20 });
}
