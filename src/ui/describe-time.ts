import * as vscode from "vscode";

/** The time of day for today, the date for other days. */
export function describeTime(time: string): string {
  const date = new Date(time);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : date.toLocaleDateString();
}

/** When something was, for a title: "Tuesday 14:03", with the date instead of the day when that is a week ago. */
export function describeMoment(time: string): string {
  const date = new Date(time);
  const clock = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const isThisWeek = Date.now() - date.getTime() < 6 * 86_400_000;
  return `${isThisWeek ? date.toLocaleDateString([], { weekday: "long" }) : date.toLocaleDateString()} ${clock}`;
}

/** "now", "5 min ago", "3 h ago"; {@link describeTime} for what is older than a day. */
export function describeAge(time: string): string {
  const minutes = Math.floor((Date.now() - Date.parse(time)) / 60_000);
  if (minutes < 1) return vscode.l10n.t("now");
  if (minutes < 60) return vscode.l10n.t("{0} min ago", minutes);
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? vscode.l10n.t("{0} h ago", hours) : describeTime(time);
}

/** The day as a heading: "Today", "Yesterday", "Tuesday, 24 November 2026". */
export function describeDay(time: string): string {
  const day = new Date(time).toDateString();
  const now = Date.now();
  if (day === new Date(now).toDateString()) return vscode.l10n.t("Today");
  if (day === new Date(now - 86_400_000).toDateString()) return vscode.l10n.t("Yesterday");
  return new Date(time).toLocaleDateString([], { weekday: "long", year: "numeric", month: "long", day: "numeric" });
}
