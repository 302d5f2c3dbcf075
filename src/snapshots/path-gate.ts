import { toDisplay, whyUnsafePath } from "../core/workspace-path.ts";

/** Lets each path of an archive through once, if at all. */
export interface PathGate {
  /** Why the path is refused, for people; a path that is let through (undefined) counts from now on. */
  refuse(path: string, isFolder: boolean): string | undefined;
}

/**
 * A name as file systems compare it that tell neither case nor Unicode forms apart: upper-casing takes "ß" to "ss" as
 * APFS does, decomposing takes "é" to one form.
 */
export function foldName(name: string): string {
  // Most names; and the rest of this costs a microsecond each.
  if (/^[\x20-\x7e]*$/.test(name)) return name.toLowerCase();
  return name.toUpperCase().toLowerCase().normalize("NFD");
}

/**
 * Checks paths for being safe (`whyUnsafePath`), for coming twice, for going through something that is no folder, and,
 * where the file system is one that does so, for being one with another path but for case or Unicode form.
 */
export function createPathGate(platform: NodeJS.Platform = process.platform): PathGate {
  // Path (folded where the file system does) -> how it was spelled, and what it is.
  const known = new Map<string, { path: string; isFolder: boolean }>();
  const toKey = platform === "win32" || platform === "darwin" ? foldName : (path: string) => path;

  const whyNot = (path: string, isFolder: boolean): string | undefined => {
    const other = known.get(toKey(path));
    if (!other) return undefined;
    if (other.path !== path) return `it differs from ${toDisplay(other.path)} only in case or Unicode form`;
    return other.isFolder && isFolder ? undefined : "it comes twice";
  };
  const whyNotBelow = (folders: readonly string[]): string | undefined => {
    for (const folder of folders) {
      const other = known.get(toKey(folder));
      if (other && !other.isFolder) return `${toDisplay(folder)}, which it is in, is not a folder`;
      const reason = other && whyNot(folder, true);
      if (reason) return `${toDisplay(folder)}, which it is in, ${reason.replace(/^it /, "")}`;
    }
    return undefined;
  };

  return {
    refuse(path, isFolder) {
      const unsafe = whyUnsafePath(path, platform);
      if (unsafe) return unsafe;
      const folders = toFolders(path);
      const reason = whyNotBelow(folders) ?? whyNot(path, isFolder);
      if (reason) return reason;
      for (const folder of folders) known.set(toKey(folder), { path: folder, isFolder: true });
      known.set(toKey(path), { path, isFolder });
      return undefined;
    },
  };
}

/** The folders that a path is in, from the top: "a/b/c" -> "a", "a/b". */
export function toFolders(path: string): string[] {
  const folders: string[] = [];
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1))
    folders.push(path.slice(0, slash));
  return folders;
}
