import { describeFiles, describeSize } from "../describe-size.ts";
import type { SentFiles } from "../push.ts";
import type { NativeRecord } from "./native-store.ts";

/** What a sandbox started from. */
export interface Mounted {
  /** The provider's. */
  readonly title: string;
  readonly record: NativeRecord;
}

/** For the first run of a session that was restored, which may send something itself: "Restored the session: mounted 12.3 MiB …". */
export function describeRestore(mounted: Mounted, sent: SentFiles, nowMs: number): string {
  return `Restored the session: ${describeMount(mounted, sent, nowMs).replace(/^M/, "m")}`;
}

/** "Mounted 12.3 MiB from Modal's snapshot of 14:03; sent 2 files, 1.2 KiB." Times are this machine's. */
export function describeMount({ title, record }: Mounted, sent: SentFiles, nowMs: number): string {
  const what =
    sent.fileCount === 0 ? "sent nothing" : `sent ${describeFiles(sent.fileCount)}, ${describeSize(sent.totalBytes)}`;
  const when = describeMoment(new Date(record.createdAt), new Date(nowMs));
  return `Mounted ${describeSize(record.totalBytes)} from ${title}'s snapshot of ${when}; ${what}.`;
}

// With the date unless it is today's.
function describeMoment(at: Date, now: Date): string {
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}`;
  if (at.toDateString() === now.toDateString()) return time;
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${time}`;
}

function pad(part: number): string {
  return String(part).padStart(2, "0");
}
