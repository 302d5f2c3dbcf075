import type { Logger } from "../core/logger.ts";
import { toMessage } from "../core/sandbox-error.ts";
import type { Ledger } from "./ledger.ts";
import type { LiveSession } from "./live-session.ts";
import { createLocks } from "./lock.ts";
import type { SessionRecord } from "./records.ts";
import { type SessionFiles, writeSessionFiles } from "./session-files.ts";
import { type StateFolder, toSessionFolder } from "./state-folder.ts";

/** What saving sessions needs. */
export interface SessionSavesDeps {
  readonly state: StateFolder;
  readonly ledger: Ledger;
  readonly logger: Logger;
}

/** Brings sessions to the disk: saves of one session keep their order. */
export class SessionSaves {
  readonly #deps: SessionSavesDeps;
  readonly #locks = createLocks();
  readonly #saving = new Set<Promise<void>>();
  // What of each session's file lists is on disk already.
  readonly #saved = new WeakMap<LiveSession, SessionFiles>();

  constructor(deps: SessionSavesDeps) {
    this.#deps = deps;
  }

  /** On the disk when this resolves. */
  async saveRecord(record: SessionRecord): Promise<void> {
    await this.#track(this.#locks(record.id)(() => this.#deps.ledger.save(record)));
  }

  /** Saves the session's file lists. Never rejects. */
  async saveFiles(session: LiveSession): Promise<void> {
    const folder = toSessionFolder(this.#deps.state, session.record.id);
    const saving = this.#locks(`${session.record.id}/files`)(() => this.#writeFiles(folder, session));
    await this.#track(saving).catch((error: unknown) =>
      this.#deps.logger.warn(`A session's file list could not be saved: ${toMessage(error)}`),
    );
  }

  /** Resolves once nothing is being saved any more. */
  async flush(): Promise<void> {
    while (this.#saving.size > 0) await Promise.allSettled(this.#saving);
  }

  async #writeFiles(folder: string, session: LiveSession): Promise<void> {
    // They may change while they are being written.
    const files = { ...session.files };
    await writeSessionFiles(folder, files, this.#saved.get(session));
    this.#saved.set(session, files);
  }

  async #track(saving: Promise<void>): Promise<void> {
    this.#saving.add(saving);
    try {
      await saving;
    } finally {
      this.#saving.delete(saving);
    }
  }
}
