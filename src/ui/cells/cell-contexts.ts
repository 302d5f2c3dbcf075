import type { CellContext } from "../../sessions/cells/cell-context.ts";
import type { SessionRecord } from "../../sessions/records.ts";
import type { EngineLink } from "../engine-link.ts";
import { isLive, type RunStore } from "../run-store.ts";
import type { ContextItem } from "./restart-context.ts";

/** What contexts are read from, and who hears that they are others. */
export interface CellContextsDeps {
  readonly link: EngineLink;
  readonly store: RunStore;
  readonly onDidChangeContexts: () => void;
}

interface Known {
  readonly contexts: Promise<readonly CellContext[]>;
  /** Of what they were read for. */
  readonly stamp: string;
}

/** The contexts of sessions, read anew only when cells have run there since: rows are drawn many times. */
export class CellContexts {
  readonly #deps: CellContextsDeps;
  readonly #known = new Map<string, Known>();

  constructor(deps: CellContextsDeps) {
    this.#deps = deps;
  }

  /** As rows below the session. @throws {SandboxError} */
  async list(session: SessionRecord): Promise<readonly ContextItem[]> {
    const stamp = this.#stampOf(session.id);
    const known = this.#known.get(session.id);
    const contexts = known?.stamp === stamp ? known.contexts : this.#read(session.id, stamp);
    return (await contexts).map((context) => ({ kind: "context", session, context }));
  }

  /** What is known of that session's is no longer so. */
  forget(sessionId: string): void {
    this.#known.delete(sessionId);
    this.#deps.onDidChangeContexts();
  }

  async #read(sessionId: string, stamp: string): Promise<readonly CellContext[]> {
    const contexts = this.#deps.link.get().then((engine) => engine.listContexts(sessionId));
    this.#known.set(sessionId, { contexts, stamp });
    contexts.catch(() => this.#known.delete(sessionId));
    return await contexts;
  }

  /** Another one when a cell has begun or ended there. */
  #stampOf(sessionId: string): string {
    const cells = this.#deps.store.runs.filter((run) => run.sessionId === sessionId && run.command.kind === "cell");
    return cells.map((run) => `${run.id} ${isLive(run)} ${run.cellCount ?? ""}`).join();
  }
}
