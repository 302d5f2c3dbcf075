/** The line of an ignore file in the workspace's own folder that leaves out exactly this path. */
export function toExcludeLine(path: string, isFolder: boolean): string {
  return `/${escapePattern(path)}${isFolder ? "/" : ""}`;
}

/** The line that lets exactly this path through. */
export function toIncludeLine(path: string, isFolder: boolean): string {
  return `!${toExcludeLine(path, isFolder)}`;
}

/**
 * The path as a pattern that means nothing but itself (gitignore(5)): wildcards, and a space at the end, which would be
 * cut off, are escaped. What begins a comment or a negation does so at the start of a line only, where our lines have "/".
 */
export function escapePattern(path: string): string {
  return path
    .replaceAll(/[\\*?[]/g, String.raw`\$&`)
    .replace(/ +$/, (spaces) => spaces.replaceAll(" ", String.raw`\ `));
}

/** Whether a line of an ignore file can stand for the path: it cannot when a name holds a line break. */
export function fitsInLine(path: string): boolean {
  return !/[\r\n]/.test(path);
}
