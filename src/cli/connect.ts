import { fileURLToPath } from "node:url";
import { connectEngine } from "../host/connect-engine.ts";
import type { ConnectedEngine } from "../host/engine-client.ts";
import { type StateFolder, toStateFolder } from "../sessions/state-folder.ts";
import { readOwnVersion } from "./own-version.ts";

/** What every command of the command line is given. */
export interface CliContext {
  /** After the command's name. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly state: StateFolder;
  /** Connects, and starts the engine when there is none. Whoever calls it disposes the result. */
  readonly connect: () => Promise<ConnectedEngine>;
  /** Aborted when the user asks to stop: first politely, then by `force`. */
  readonly signals: SignalInbox;
}

/** Signals that this process was sent. */
interface SignalInbox {
  /** @param listener called for each signal with how many came so far, this one included */
  onSignal(listener: (count: number) => void): void;
}

/** @param entryUrl `import.meta.url` of the command line's entry; the engine's is beside it, in source and bundled */
export function createContext(entryUrl: string, args: readonly string[]): CliContext {
  const state = toStateFolder(process.env);
  const extension = entryUrl.endsWith(".ts") ? "ts" : "js";
  const engineFile = fileURLToPath(new URL(`./engine.${extension}`, entryUrl));
  return {
    args,
    cwd: process.cwd(),
    state,
    connect: () =>
      connectEngine({ state, version: readOwnVersion(entryUrl), role: "cli", engineFile, env: process.env }),
    signals: createSignalInbox(),
  };
}

function createSignalInbox(): SignalInbox {
  const listeners: ((count: number) => void)[] = [];
  let count = 0;
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      count += 1;
      // Nobody waits for anything yet, or what they wait for does not come.
      if (listeners.length === 0 || count > 2) process.exit(130);
      for (const listener of listeners) listener(count);
    });
  }
  return { onSignal: (listener) => void listeners.push(listener) };
}
