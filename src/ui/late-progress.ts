import { withProgress } from "./register-command.ts";

/** Work that is done by then shows no notification that is gone before it can be read. */
const PATIENCE_MS = 400;

/** As `withProgress`, for work that is mostly done at once: the notification comes only when it takes a while. */
export async function withLateProgress<T>(title: string, work: () => Promise<T>): Promise<T> {
  const result = work();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), PATIENCE_MS);
  });
  try {
    // What fails early rejects here.
    if ((await Promise.race([result, late])) !== "late") return await result;
  } finally {
    clearTimeout(timer);
  }
  return await withProgress(title, () => result);
}
