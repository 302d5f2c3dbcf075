import { Emitter } from "../../src/core/event.ts";
import type { HostedEngine } from "../../src/sessions/create-engine.ts";
import type { ApplyResult, EngineEvent } from "../../src/sessions/engine.ts";
import type { ReviewedChange, RunRecord, SessionRecord } from "../../src/sessions/records.ts";

/** An engine that answers what a test says, and remembers what it was asked. */
export class ScriptedEngine implements HostedEngine {
  readonly changed = new Emitter<EngineEvent>();
  readonly onDidChange = this.changed.event;
  readonly calls: unknown[][] = [];
  isBusy = false;
  result: () => Promise<unknown> = async () => undefined;
  startRun = (...args: unknown[]): Promise<RunRecord> => this.#call("startRun", args);
  writeInput = (...args: unknown[]): Promise<void> => this.#call("writeInput", args);
  closeInput = (...args: unknown[]): Promise<void> => this.#call("closeInput", args);
  resizeRun = (...args: unknown[]): Promise<void> => this.#call("resizeRun", args);
  stopRun = (...args: unknown[]): Promise<void> => this.#call("stopRun", args);
  startSession = (...args: unknown[]): Promise<SessionRecord> => this.#call("startSession", args);
  destroySession = (...args: unknown[]): Promise<void> => this.#call("destroySession", args);
  listRuns = (...args: unknown[]): Promise<readonly RunRecord[]> => this.#call("listRuns", args);
  listSessions = (...args: unknown[]): Promise<readonly SessionRecord[]> => this.#call("listSessions", args);
  readChanges = (...args: unknown[]): Promise<readonly ReviewedChange[]> => this.#call("readChanges", args);
  applyChanges = (...args: unknown[]): Promise<ApplyResult> => this.#call("applyChanges", args);
  discardChanges = (...args: unknown[]): Promise<void> => this.#call("discardChanges", args);
  checkTarget = (...args: unknown[]): Promise<void> => this.#call("checkTarget", args);
  stopAbandonedRun = (...args: unknown[]): Promise<void> => this.#call("stopAbandonedRun", args);
  dispose(): void {
    this.changed.dispose();
  }

  async #call<T>(method: string, args: unknown[]): Promise<T> {
    this.calls.push([method, ...args]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a test says the engine answers
    return (await this.result()) as T;
  }
}
