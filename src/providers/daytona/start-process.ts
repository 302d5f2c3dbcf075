import type { Call } from "../../core/call.ts";
import type { Command, ExitStatus, Process, ProcessSignal } from "../../core/sandbox.ts";
import { checkCommand } from "../check-spec.ts";
import { signalCommand } from "../posix/supervise.ts";
import { toProcess } from "../posix/supervised-process.ts";
import { type ProcessWatch, watchProcess } from "../posix/watch-process.ts";
import type { Channel, ChannelRequest } from "./channel.ts";
import { type CommandPlan, planCommand } from "./command-script.ts";
import { startHeartbeat } from "./heartbeat.ts";
import type { Layout } from "./layout.ts";
import { isGone, type Machine } from "./machine.ts";
import { runHelper } from "./run-helper.ts";
import { openSession } from "./session-channel.ts";
import { openTerminal } from "./terminal-channel.ts";
import { whyLost } from "./why-lost.ts";

const SIGNAL_TIMEOUT_MS = 10_000;
const STATE_TIMEOUT_MS = 5000;

/** Starts a supervised command. */
export async function startProcess(machine: Machine, command: Command, call: Call): Promise<Process> {
  checkCommand(command);
  call.signal.throwIfAborted();
  const plan = planCommand(command, machine.layout);
  const kill = createKill(machine, plan);
  const watch = watchMachine(machine, call, kill);
  const heartbeat = startHeartbeat(machine.sandbox);
  const release = async (channel?: Channel): Promise<void> => {
    watch.dispose();
    void heartbeat.dispose();
    await channel?.close();
  };
  try {
    const request: ChannelRequest = { machine, plan, call, cut: watch.cut };
    const channel = command.pty ? await openTerminal(request, command.pty) : await openSession(request);
    return toProcess({
      ...channel,
      nonce: plan.nonce,
      signal: kill,
      whenLost: (): Promise<ExitStatus> => whyLost(machine, call.signal),
      release: () => release(channel),
    });
  } catch (error) {
    await release();
    throw error;
  }
}

function watchMachine(machine: Machine, { signal }: Call, kill: (name: ProcessSignal) => Promise<void>): ProcessWatch {
  const { sandbox, facts, layout, destroyed } = machine;
  return watchProcess({
    signal,
    destroyed,
    expiresAt: facts.expiresAt,
    hasEnded: () => isGone(sandbox, AbortSignal.timeout(STATE_TIMEOUT_MS)),
    kill: () => kill("KILL"),
    killAll: async () => {
      await runHelper(sandbox, toKillAll(layout), AbortSignal.timeout(SIGNAL_TIMEOUT_MS));
    },
  });
}

/** Not as one of the commands' processes, which their limit binds: after a fork bomb there is no room for another. */
function createKill({ sandbox }: Machine, { pidFile }: CommandPlan): (name: ProcessSignal) => Promise<void> {
  return async (name) => {
    await runHelper(sandbox, signalCommand(pidFile, name), AbortSignal.timeout(SIGNAL_TIMEOUT_MS));
  };
}

function toKillAll({ tools }: Layout): string[] {
  // The third word of that line is the user of commands, where they have one of their own.
  const script = 'read -r limit home user <"$1/watch"; exec /bin/sh "$1/kill-all.sh" "$user"';
  return ["/bin/sh", "-c", script, "sandpiper", tools];
}
