import type { Call } from "../../core/call.ts";
import type { SupervisedChannel } from "../posix/supervised-process.ts";
import type { CommandPlan } from "./command-script.ts";
import type { Machine } from "./machine.ts";

/** How a command's bytes travel: what differs with and without a terminal. */
export interface Channel extends Pick<SupervisedChannel, "stdout" | "stderr" | "write" | "closeStdin" | "resize"> {
  /** Frees what Daytona holds. Never rejects. */
  close(): Promise<void>;
}

/** What opening a channel takes. */
export interface ChannelRequest {
  readonly machine: Machine;
  readonly plan: CommandPlan;
  readonly call: Call;
  /** Aborted when nothing more is to be expected. */
  readonly cut: AbortSignal;
}
