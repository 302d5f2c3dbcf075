/** A part of an interval that lies within one day. */
interface DayPart {
  /** Of the calendar here: "2026-11-24". */
  readonly day: string;
  readonly ms: number;
}

/** The calendar day here, of a time in ms since the epoch. */
export function toDay(atMs: number): string {
  const at = new Date(atMs);
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

/** The month of a day: "2026-11". */
export function toMonth(day: string): string {
  return day.slice(0, 7);
}

/** When the day after that moment begins here, in ms since the epoch: days of 23 and 25 hours have their own length. */
export function nextMidnight(atMs: number): number {
  const at = new Date(atMs);
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1).getTime();
}

/** An interval by the days that it touches, in order; together they are as long as it is. */
export function splitDays(fromMs: number, toMs: number): readonly DayPart[] {
  const parts: DayPart[] = [];
  for (let at = fromMs; at < toMs;) {
    const end = Math.min(toMs, nextMidnight(at));
    parts.push({ day: toDay(at), ms: end - at });
    at = end;
  }
  return parts;
}
