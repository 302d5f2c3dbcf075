import { HeldParent } from "../snapshots/changes/folder-handle.ts";

/** Most folders that are worked on at the same time: each waits for the disk, not for the processor. */
const WORKERS = 16;
/** So many items of one folder are handled one after the other; a large folder is shared by several workers. */
const PIECE_ITEMS = 32;

/**
 * Handles what is at some paths, with the folder of each held open, and several folders at the same time. After a
 * failure nothing new is begun, and nothing goes on any more when it is told.
 */
export async function forEachByFolder<T extends { readonly path: string }>(
  root: string,
  items: readonly T[],
  handle: (item: T, parent: HeldParent) => Promise<void>,
): Promise<void> {
  const rest = toPieces(items).values();
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    for (const piece of rest) {
      const parent = new HeldParent(root);
      try {
        for (const item of piece) {
          if (failures.length > 0) return;
          await handle(item, parent);
        }
      } catch (error) {
        failures.push(error);
      } finally {
        await parent.close();
      }
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  if (failures.length > 0) throw failures[0];
}

function toPieces<T extends { readonly path: string }>(items: readonly T[]): readonly (readonly T[])[] {
  const pieces: T[][] = [];
  const open = new Map<string, T[]>();
  for (const item of items) {
    const folder = item.path.slice(0, item.path.lastIndexOf("/") + 1);
    const piece = open.get(folder);
    if (piece && piece.length < PIECE_ITEMS) piece.push(item);
    else {
      const started = [item];
      open.set(folder, started);
      pieces.push(started);
    }
  }
  return pieces;
}
