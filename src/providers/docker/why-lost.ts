import type Docker from "dockerode";
import { setTimeout as delay } from "node:timers/promises";
import type { ExitStatus } from "../../core/sandbox.ts";
import { DISK_USAGE_COMMAND, parseDiskUsage } from "./init-script.ts";
import { runHelper } from "./run-helper.ts";
import { readStatus } from "./to-sandbox-error.ts";

/** What is known of a container when a command in it has ended without telling how. */
export interface LostContext {
  readonly docker: Docker;
  readonly containerId: string;
  readonly expiresAt: Date;
  readonly memoryMiB: number;
  readonly diskMiB: number;
  /** When the command started; what happened before has not ended it. */
  readonly since: Date;
}

const ASK_TIMEOUT_MS = 5000;
const EVENT_PAUSE_MS = 200;
/** The container's clock starts a little later than ours. */
const CLOCK_SLACK_MS = 3000;

/** Finds out why: the daemon, the container, its time, its memory, its disk, or the command's own doing. Never rejects. */
export async function whyLost(context: LostContext): Promise<ExitStatus> {
  return { kind: "lost", reason: await findReason(context) };
}

async function findReason(context: LostContext): Promise<string> {
  const container = context.docker.getContainer(context.containerId);
  try {
    const { State: state } = await container.inspect({ abortSignal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
    if (state.Running && !state.Dead) return await whyKilledInside(context, container);
  } catch (error) {
    if (readStatus(error) !== 404) return "The connection to Docker broke and Docker does not answer.";
  }
  let events = await readEvents(context);
  // The event of an end can come a little later than the end.
  for (let tries = 0; tries < 5 && !events.some(({ action }) => action === "die"); tries++) {
    await delay(EVENT_PAUSE_MS);
    events = await readEvents(context);
  }
  return toEndReason(events, context);
}

async function whyKilledInside(context: LostContext, container: Docker.Container): Promise<string> {
  const usage = await runHelper(
    container,
    ["/bin/sh", "-c", `${DISK_USAGE_COMMAND}; exit 0`],
    AbortSignal.timeout(ASK_TIMEOUT_MS),
  ).catch(() => "");
  const usedMiB = Math.ceil(parseDiskUsage(usage) / 1024);
  if (usedMiB > context.diskMiB)
    return (
      `The sandbox stores ${usedMiB} MiB, more than its limit of ${context.diskMiB} MiB, so its commands were ended. ` +
      "Delete files in it or raise the limit."
    );
  const events = await readEvents(context);
  const isEnding = events.some((event) => event.action === "die" || isDestruction(event));
  if (isEnding) return toEndReason(events, context);
  if (events.some(({ action }) => action === "oom")) return outOfMemory(context);
  return "The command was ended from inside the sandbox, together with what watches over it.";
}

/** What the daemon told of a container. */
export interface ContainerEvent {
  readonly action: string;
  /** Number of the signal of a "kill". */
  readonly signal?: string;
}

/** Any other signal is one of ours to a first process, which survives it. */
function isDestruction({ action, signal }: ContainerEvent): boolean {
  return action === "kill" && (signal === "9" || signal === "15");
}

/** Why a container that is gone, or going, has ended; from its events, oldest first. */
export function toEndReason(
  events: readonly ContainerEvent[],
  { expiresAt, memoryMiB }: Pick<LostContext, "expiresAt" | "memoryMiB">,
): string {
  if (events.some(isDestruction)) return "The sandbox was destroyed.";
  if (events.some(({ action }) => action === "oom")) return outOfMemory({ memoryMiB });
  if (Date.now() > expiresAt.getTime() - CLOCK_SLACK_MS) return "The sandbox has reached the end of its lifetime.";
  if (events.some(({ action }) => action === "die"))
    return "The sandbox ended by itself: it crashed, or used more than its limits.";
  return "The sandbox was destroyed.";
}

function outOfMemory({ memoryMiB }: Pick<LostContext, "memoryMiB">): string {
  return `The sandbox ran out of memory: its limit is ${memoryMiB} MiB. Raise the limit or use less.`;
}

/** What the daemon remembers of that container since the command started; it may be gone by now. */
async function readEvents({ docker, containerId, since }: LostContext): Promise<ContainerEvent[]> {
  try {
    const stream = await docker.getEvents({
      since: Math.floor(since.getTime() / 1000),
      until: Date.now() / 1000,
      filters: { type: ["container"], container: [containerId] },
      abortSignal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    });
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    return text.split("\n").filter(Boolean).map(parseEvent);
  } catch {
    return [];
  }
}

function parseEvent(line: string): ContainerEvent {
  const { Action: action = "", Actor: actor }: EventMessage = readMessage(line);
  const signal = actor?.Attributes?.["signal"];
  return signal === undefined ? { action } : { action, signal };
}

/** https://docs.docker.com/reference/api/engine/, "Monitor events". */
interface EventMessage {
  readonly Action?: string;
  readonly Actor?: { readonly Attributes?: Readonly<Record<string, string>> };
}

function readMessage(line: string): EventMessage {
  return JSON.parse(line);
}
