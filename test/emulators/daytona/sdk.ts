import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Daytona, Sandbox } from "@daytona/sdk";
import { WebSocket } from "ws";
import { type DaytonaEmulator, EMULATOR_KEY } from "./daytona-emulator.ts";
import { PREFIXES } from "./labelled-log.ts";

/** The real SDK, signed in at an emulator. */
export interface ConnectedSdk {
  readonly daytona: Daytona;
  /** From an image of a registry. */
  newSandbox(params?: NewSandboxParams): Promise<Sandbox>;
  /** Ends its connections; sandboxes stay. */
  close(): Promise<void>;
}

/** `CreateSandboxFromImageParams`, as far as tests need it. */
type NewSandboxParams = Omit<Extract<Parameters<Daytona["create"]>[0], { readonly image: unknown }>, "image">;

/** How a session's command ended and what it said. */
export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
  /** What the socket of its log has brought, as it came. */
  readonly frames: readonly Buffer[];
}

/** `close` is the caller's. */
export async function connectSdk(
  { url }: Pick<DaytonaEmulator, "url">,
  apiKey: string = EMULATOR_KEY,
): Promise<ConnectedSdk> {
  const sdk = await import("@daytona/sdk");
  const daytona = new sdk.Daytona({ apiKey, apiUrl: url, target: "us" });
  return {
    daytona,
    newSandbox: (params = {}) => daytona.create({ image: "python:3.13", ...params }),
    close: () => daytona[Symbol.asyncDispose](),
  };
}

/** Runs a command in a session of its own and follows what it says to its end. */
export async function follow({ url }: Pick<DaytonaEmulator, "url">, sandbox: Sandbox, command: string): Promise<Ended> {
  const session = randomUUID();
  await sandbox.process.createSession(session);
  const { cmdId } = await sandbox.process.executeSessionCommand(session, { command, runAsync: true });
  const toolbox = `${url.replace(/^http(.*)\/api$/, "ws$1/toolbox")}/${sandbox.id}`;
  const frames = await readFrames(`${toolbox}/process/session/${session}/command/${cmdId}/logs?follow=true`);
  const { exitCode } = await sandbox.process.getSessionCommand(session, cmdId);
  return { ...toTexts(Buffer.concat(frames)), exitCode, frames };
}

/** All that a socket says until it is closed, with the key of every emulator. */
async function readFrames(url: string): Promise<Buffer[]> {
  const socket = new WebSocket(url, { headers: { Authorization: `Bearer ${EMULATOR_KEY}` } });
  const frames: Buffer[] = [];
  socket.on("message", (data: Buffer) => frames.push(data));
  await once(socket, "close");
  return frames;
}

/** The SDK's own way takes a prefix for text when a frame ends right after it. */
function toTexts(log: Buffer): { readonly stdout: string; readonly stderr: string } {
  const [stdout, stderr] = [PREFIXES.stdout, PREFIXES.stderr].map((prefix) =>
    log
      .toString()
      .split(/(?<=\n)/)
      .filter((line) => line.startsWith(prefix.toString()))
      .map((line) => line.slice(prefix.byteLength))
      .join(""),
  );
  return { stdout: stdout ?? "", stderr: stderr ?? "" };
}
