import type { Logger } from "../core/logger.ts";
import type { StateFolder } from "../sessions/state-folder.ts";
import type { ConnectedEngine } from "./engine-link.ts";

/** TODO */
export async function connectToEngine(_e: string, _s: StateFolder, _l: Logger): Promise<ConnectedEngine> {
  throw new Error("x");
}
