import type { Call } from "../core/call.ts";
import type { Logger } from "../core/logger.ts";
import type { Provider } from "../core/provider.ts";
import type { Clock } from "./clock.ts";
import type { Pricing } from "./cost/create-with-fallbacks.ts";
import type { Ledger } from "./ledger.ts";
import type { LiveSession } from "./live-session.ts";
import type { NewSessionRequest, SessionRequest } from "./new-session.ts";
import type { SessionRecord, Target } from "./records.ts";
import type { StateFolder } from "./state-folder.ts";

/** What the pool is made from. */
export interface PoolDeps extends PoolHooks {
  readonly state: StateFolder;
  readonly ledger: Ledger;
  readonly loadProvider: (target: Target) => Promise<Provider>;
  readonly installId: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the pool asks of others, and tells them. */
export interface PoolHooks {
  readonly onDidChange: (record: SessionRecord) => void;
  readonly pricing: Pricing;
  /** A sandbox that was made ready for such a session, as that session. */
  readonly claimWarm: (request: NewSessionRequest, call: Call) => Promise<LiveSession | undefined>;
  /** A sandbox may be there that no session has: the answer may have been lost. */
  readonly onDidLoseTrack: () => void;
  /** Called with a session whose sandbox is about to end; the sandbox is there until this resolves. Never rejects. */
  readonly onWillEnd: (session: LiveSession, cause: "destroy" | "expiry") => Promise<void>;
  /** Goes on with a paused session that could serve the request, if there is one. */
  readonly resumePaused: (request: SessionRequest, call: Call, notes: string[]) => Promise<LiveSession | undefined>;
  /** Pauses a session that has too little time left, where its target asked for that; false when it cannot be now. */
  readonly setAside: (session: LiveSession, call: Call) => Promise<boolean>;
  /** Keeps a session as paused whose sandbox paused by itself; false when it did not. */
  readonly noteAutoPaused: (record: SessionRecord) => Promise<boolean>;
  /** Called with a session that has ended although nobody destroyed it. */
  readonly onDidLose: (record: SessionRecord) => void;
}
