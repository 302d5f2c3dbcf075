import { posix } from "node:path";
import type { URI } from "./uri.ts";

const FILE = 1;
const DIRECTORY = 2;

/** `vscode.workspace.fs` over a map of paths to texts. */
export function createFakeDisk(texts: Map<string, string>, notFound: (uri: URI) => Error) {
  const read = (uri: URI): string => {
    const text = texts.get(posix.normalize(uri.path));
    if (text === undefined) throw notFound(uri);
    return text;
  };
  const list = (uri: URI): readonly [string, number][] => {
    const prefix = `${posix.normalize(uri.path).replace(/\/$/, "")}/`;
    const below = [...texts.keys()].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
    const names = new Map(below.map((path) => [path.split("/")[0] ?? "", path.includes("/") ? DIRECTORY : FILE]));
    if (names.size === 0) throw notFound(uri);
    return [...names];
  };
  return {
    readFile: async (uri: URI) => Buffer.from(read(uri)),
    writeFile: async (uri: URI, data: Uint8Array) =>
      void texts.set(posix.normalize(uri.path), Buffer.from(data).toString()),
    readDirectory: async (uri: URI) => list(uri),
    stat: async (uri: URI) => {
      const text = texts.get(posix.normalize(uri.path));
      if (text !== undefined) return { type: FILE, size: text.length, mtime: 0, ctime: 0 };
      list(uri);
      return { type: DIRECTORY, size: 0, mtime: 0, ctime: 0 };
    },
    forget: (uri: URI) => void texts.delete(posix.normalize(uri.path)),
  };
}
