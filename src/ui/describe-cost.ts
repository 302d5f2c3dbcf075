import * as vscode from "vscode";
import type { Rate } from "../sessions/cloud-records.ts";
import type { RunRecord, SessionRecord } from "../sessions/records.ts";
import type { RunStore } from "./run-store.ts";

const MS_PER_HOUR = 3_600_000;

/** A session that costs something while it lives. */
export interface PricedSession extends SessionRecord {
  readonly rate: Rate;
}

/** "$0.42", "$1,204.00"; "<$0.01" for what is less than a cent and not nothing. */
export function describeUsd(usd: number): string {
  if (usd > 0 && usd < 0.01) return "<$0.01";
  return `$${usd.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** What the run's command cost; undefined while that is not known, and for what costs nothing. */
export function describeRunCost({ costUsd = 0 }: Pick<RunRecord, "costUsd">): string | undefined {
  return costUsd > 0 ? describeUsd(costUsd) : undefined;
}

/** "$3.95/h"; small ones with a third digit: "$0.095/h". */
export function describeRate(usdPerHour: number): string {
  const amount = usdPerHour > 0 && usdPerHour < 0.1 ? `$${usdPerHour.toFixed(3)}` : describeUsd(usdPerHour);
  return vscode.l10n.t("{0}/h", amount);
}

/**
 * What the session has cost until now or until its end, since it was last resumed where it was paused before; undefined when
 * its price is not known. In US dollars.
 */
export function costOf(session: SessionRecord, now = Date.now()): number | undefined {
  const { rate, createdAt, meteredFrom, endedAt, expiresAt } = session;
  if (!rate) return undefined;
  const end = Math.min(endedAt === undefined ? now : Date.parse(endedAt), Date.parse(expiresAt));
  return (rate.usdPerHour * Math.max(0, end - Date.parse(meteredFrom ?? createdAt))) / MS_PER_HOUR;
}

/** Those whose sandbox costs something now, newest first: what is paused or has ended does not. */
export function listPriced(store: RunStore): readonly PricedSession[] {
  return store.sessions.filter(isPriced);
}

function isPriced(session: SessionRecord): session is PricedSession {
  return session.state !== "paused" && (session.rate?.usdPerHour ?? 0) > 0;
}
