import type { Call } from "../../core/call.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { Command, Delta, Process, Sandbox, WorkspaceListing } from "../../core/sandbox.ts";
import { checkWorkspacePath } from "../../core/workspace-path.ts";
import { createMemberHeader, padMember } from "./tar-member.ts";
import { APPLY, COLLECT, DELETE, DELETES_MEMBER, FROM_FILE, LIST } from "./workspace-scripts.ts";

/** Where a sandbox keeps files. Both absolute in the sandbox and on one file system, so that renames work between them. */
export interface WorkspaceFolders {
  readonly workspace: string;
  /** For staging and markers; beside the workspace, never in it; made when missing. */
  readonly private: string;
}

type Exec = (command: Command, call: Call) => Promise<Process>;

/**
 * Puts what `archive` yields into a file of the sandbox that commands can read and remove, by a way that is faster than
 * the stdin of a command, and resolves to its absolute path. Leaves nothing behind when it rejects.
 */
export type Upload = (archive: AsyncIterable<Uint8Array>, call: Call) => Promise<string>;

/**
 * Moves files in and out of a sandbox by commands that run inside it, so that nothing in the sandbox can trick the host
 * into following a link. Applies to one sandbox are done one after the other.
 * @param upload brings archives into the sandbox; left out where the stdin of a command is the way
 */
export function createWorkspaceFiles(
  exec: Exec,
  folders: WorkspaceFolders,
  upload?: Upload,
): Pick<Sandbox, "apply" | "list" | "collect"> {
  const script = (text: string, ...args: string[]): Command => ({
    argv: ["/bin/sh", "-c", text, "sandpiper", folders.workspace, folders.private, ...args],
  });
  let lastApply: Promise<void> = Promise.resolve();
  const applyAfter = async (previous: Promise<void>, delta: Delta, call: Call): Promise<void> => {
    await previous.catch(() => {});
    call.signal.throwIfAborted();
    if (!upload) return await runApply(await exec(script(APPLY, DELETE), call), delta, call);
    const file = await upload(toArchive(delta), call);
    await runUploaded(await exec(script(FROM_FILE, APPLY, DELETE, file), call), call);
  };
  const apply = async (delta: Delta, call: Call): Promise<void> => {
    call.signal.throwIfAborted();
    for (const path of delta.deletes) checkWorkspacePath(path, "linux");
    lastApply = applyAfter(lastApply, delta, call);
    await lastApply;
  };
  return {
    apply,
    list: async (call) => parseListing(await readAll(await exec(script(LIST), call), call)),
    collect: (paths, call) => collect(() => exec(script(COLLECT), call), paths, call),
  };
}

async function runApply(process: Process, delta: Delta, call: Call): Promise<void> {
  const said = readText(process);
  try {
    for await (const chunk of toArchive(delta)) {
      call.signal.throwIfAborted();
      await process.write(chunk);
    }
    await process.closeStdin();
  } catch (error) {
    // The archive is cut short: it must not be taken for whole.
    await process.signal("KILL");
    await process.exit;
    call.signal.throwIfAborted();
    throw error;
  }
  await expectSuccess(process, said, call);
}

async function runUploaded(process: Process, call: Call): Promise<void> {
  const said = readText(process);
  await process.closeStdin();
  await expectSuccess(process, said, call);
}

/** The deletes travel as a first member, so that one command does all. */
async function* toArchive(delta: Delta): AsyncIterable<Uint8Array> {
  if (delta.deletes.length > 0) {
    const list = Buffer.from(delta.deletes.map((path) => `${path}\0`).join(""));
    yield Buffer.concat([createMemberHeader(DELETES_MEMBER, list.length), padMember(list)]);
  }
  if (delta.tar) yield* delta.tar;
  else yield Buffer.alloc(1024);
}

async function* collect(
  start: () => Promise<Process>,
  paths: readonly string[],
  call: Call,
): AsyncIterable<Uint8Array> {
  for (const path of paths) checkWorkspacePath(path, "linux");
  call.signal.throwIfAborted();
  const process = await start();
  const said = readText(process, "stderr");
  const sent = process
    .write(Buffer.from(paths.map((path) => `${path}\0`).join("")))
    .then(() => process.closeStdin())
    .catch(() => {});
  let finished = false;
  try {
    yield* process.stdout;
    await sent;
    await expectSuccess(process, said, call);
    finished = true;
  } finally {
    if (!finished) await process.signal("KILL").catch(() => {});
  }
}

function parseListing(bytes: Buffer): WorkspaceListing {
  const [mode, ...records] = bytes.toString("utf8").split("\0");
  records.pop();
  if (mode === "all") {
    const paths = records.map((record) => record.slice(2));
    return { paths, touched: paths };
  }
  if (mode !== "some")
    throw new SandboxError("unavailable", "The sandbox could not list its files. Start a new session.");
  const moved = records.filter((record) => record.startsWith("D")).map((record) => `${record.slice(1)}/`);
  const isBelowMoved = (path: string): boolean => moved.some((folder) => path.startsWith(folder));
  return {
    paths: records.map((record) => record.slice(1)),
    touched: records
      .filter((record) => !record.startsWith("O") || isBelowMoved(record.slice(1)))
      .map((record) => record.slice(1)),
  };
}

async function readAll(process: Process, call: Call): Promise<Buffer> {
  const said = readText(process, "stderr");
  await process.closeStdin();
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdout) chunks.push(chunk);
  await expectSuccess(process, said, call, 1);
  return Buffer.concat(chunks);
}

/** The start of what a script says, for messages; reads to the end so that it is not held back. */
async function readText(process: Process, only?: "stderr"): Promise<string> {
  const texts = await Promise.all([readStart(process.stderr), only ? "" : readStart(process.stdout)]);
  return texts.join("").trim();
}

async function readStart(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) if (text.length < 2000) text += Buffer.from(chunk).toString("utf8");
  return text;
}

async function expectSuccess(process: Process, said: Promise<string>, call: Call, highestCode = 0): Promise<void> {
  const [status, text] = await Promise.all([process.exit, said]);
  if (status.kind === "exited" && status.code <= highestCode) return;
  call.signal.throwIfAborted();
  if (status.kind === "lost")
    throw new SandboxError("unavailable", `The sandbox ended while files were moved: ${status.reason}`);
  throw toFailure(status.kind === "signaled" ? `${text}\n${status.signal}` : text);
}

/** What a script's complaint asks for. */
function toFailure(text: string): SandboxError {
  const lines = text.split("\n");
  if (/No space left|quota exceeded|File too large|No room|SIGXFSZ/i.test(text))
    return new SandboxError(
      "quota",
      "The sandbox's disk is full. Remove files or give it more disk, then start a new session.",
    );
  // Nothing in it can be known any more; a new one gets everything.
  if (/cannot be entered|The workspace is gone/.test(text))
    return new SandboxError(
      "not-found",
      "The workspace's folder is gone from the sandbox, with all that was in it. The next run starts with a new sandbox.",
    );
  if (/: not found/.test(text))
    return new SandboxError(
      "unsupported",
      `The sandbox lacks a tool that moving files needs (${lines[0]}). Use an image with sh, tar, find and xargs.`,
    );
  return new SandboxError(
    "unavailable",
    `Files could not be moved: ${lines.slice(-3).join(" ").trim() || "the command was killed"}. Start a new session.`,
  );
}
