const PREFIX = ".sandpiper-saved-";

/** The empty file at the root of a saved workspace that says which record it belongs to. */
export function toMarker(recordId: string): string {
  return `${PREFIX}${recordId}`;
}

/** Whether a path is such a file; it is nobody's change. */
export function isMarker(path: string): boolean {
  return path.startsWith(PREFIX);
}
