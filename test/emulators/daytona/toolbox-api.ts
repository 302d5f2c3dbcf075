import { ApiError } from "./api-error.ts";
import { FileTools } from "./file-tools.ts";
import type { PtyRequest } from "./ptys.ts";
import { Answer, type Call, readJson } from "./routes.ts";
import type { Session, SessionCommand, SessionExecuteRequest } from "./sessions.ts";
import type { StartOptions, Toolbox } from "./toolbox.ts";
import { type CountBytes, Transfers } from "./transfers.ts";
import type { TerminalSize } from "../shared/terminal.ts";
import { executeCommand, runCode } from "./execute.ts";

/** A call to the daemon in one sandbox. */
export interface ToolboxCall extends Call {
  readonly toolbox: Toolbox;
  /** Hears how many bytes of files have come or gone. */
  readonly countBytes: CountBytes;
  /** How long a command may take before 408. */
  readonly executeCapMs: number;
}

/** By method and path below `/toolbox/<sandbox>`. */
export type ToolboxRoutes = Readonly<Record<string, (call: ToolboxCall) => unknown>>;

const DAEMON = { source: "DAYTONA_DAEMON" } as const;

export const TOOLBOX_ROUTES: ToolboxRoutes = {
  "GET /version": () => ({ version: "v0.216.0" }),
  "GET /work-dir": ({ toolbox }) => ({ dir: toolbox.parts.workdir }),
  "GET /user-home-dir": ({ toolbox }) => ({ dir: toolbox.parts.home }),
  "POST /env": async (call) => {
    const { set = {}, unset = [] } = await readJson<EnvChange>(call);
    Object.assign(call.toolbox.parts.env, set);
    for (const name of unset) Reflect.deleteProperty(call.toolbox.parts.env, name);
  },
  "POST /process/execute": executeCommand,
  "POST /process/code-run": runCode,
  "GET /process/session": ({ toolbox }) => toolbox.sessions.all.map(toSessionDto),
  "POST /process/session": async (call) => {
    const { sessionId = "" } = await readJson<{ readonly sessionId?: string }>(call);
    await call.toolbox.sessions.create(sessionId);
    return new Answer(201);
  },
  "GET /process/session/:session": (call) => toSessionDto(findSession(call)),
  "DELETE /process/session/:session": async (call) => {
    await call.toolbox.sessions.delete(call.param("session"));
    return new Answer(204);
  },
  "POST /process/session/:session/exec": async (call) => {
    const session = findSession(call);
    const request = await readJson<SessionExecuteRequest>(call);
    if (!request.command?.trim()) throw new ApiError(400, "command cannot be empty", DAEMON);
    const command = await session.execute(request);
    if (request.runAsync ?? request.async) return new Answer(202, { cmdId: command.id });
    await command.ended;
    if (command.exitCode === undefined) throw new ApiError(400, "session cancelled", DAEMON);
    return { cmdId: command.id, exitCode: command.exitCode, ...command.log.texts() };
  },
  "GET /process/session/:session/command/:command": (call) => toCommandDto(findCommand(call)),
  "GET /process/session/:session/command/:command/logs": (call) => findCommand(call).log.texts(),
  "POST /process/session/:session/command/:command/input": async (call) => {
    const session = findSession(call);
    const { data = "" } = await readJson<{ readonly data?: string }>(call);
    await session.type(call.param("command"), data);
    return new Answer(204);
  },
  "GET /process/pty": ({ toolbox }) => ({ sessions: toolbox.ptys.infos }),
  "POST /process/pty": async (call) => {
    const request = await readJson<PtyRequest>(call);
    const pty = call.toolbox.ptys.create(request);
    if (!request.lazyStart) await pty.start();
    return new Answer(201, { sessionId: pty.id });
  },
  "GET /process/pty/:pty": (call) => call.toolbox.ptys.get(call.param("pty")).info,
  "DELETE /process/pty/:pty": async (call) => {
    await call.toolbox.ptys.delete(call.param("pty"));
    return { message: "PTY session deleted" };
  },
  "POST /process/pty/:pty/resize": async (call) =>
    call.toolbox.ptys.resize(call.param("pty"), await readJson<TerminalSize>(call)),
  "GET /process/interpreter/context": ({ toolbox }) => ({ contexts: toolbox.contexts.infos }),
  "POST /process/interpreter/context": async (call) => {
    const { cwd, language = "python" } = await readJson<ContextRequest>(call);
    if (language === "python") return call.toolbox.contexts.create(cwd).info;
    throw new ApiError(400, `unsupported language: ${language} (only 'python' is supported currently)`, DAEMON);
  },
  "DELETE /process/interpreter/context/:context": async (call) => {
    await call.toolbox.contexts.delete(call.param("context"));
    return { message: "Context deleted successfully" };
  },
  "GET /files": (call) => toFiles(call).list(call.query.get("path") ?? ".", Number(call.query.get("depth") ?? 1)),
  "DELETE /files": async (call) => {
    await toFiles(call).delete(wantPath(call), call.query.get("recursive") === "true");
    return new Answer(204);
  },
  "GET /files/info": (call) => toFiles(call).describe(wantPath(call)),
  "POST /files/folder": async (call) => {
    await toFiles(call).createFolder(wantPath(call), call.query.get("mode") || "0755");
    return new Answer(201);
  },
  "POST /files/move": (call) => toFiles(call).move(wantPath(call, "source"), wantPath(call, "destination")),
  "POST /files/permissions": (call) =>
    toFiles(call).setPermissions(wantPath(call), {
      mode: call.query.get("mode"),
      owner: call.query.get("owner"),
      group: call.query.get("group"),
    }),
  "GET /files/search": async (call) => ({
    files: await toFiles(call).search(wantPath(call), wantPath(call, "pattern")),
  }),
  "GET /files/find": (call) => toFiles(call).find(wantPath(call), wantPath(call, "pattern")),
  "POST /files/replace": async (call) => {
    const { files = [], pattern = "", newValue = "" } = await readJson<ReplaceRequest>(call);
    return toFiles(call).replace(files, pattern, newValue);
  },
  "POST /files/bulk-upload": (call) => toTransfers(call).uploadAll(call),
  "POST /files/upload-v2": (call) => toTransfers(call).upload(call),
  "POST /files/upload": (call) => toTransfers(call).upload(call),
  "GET /files/download": (call) => toTransfers(call).download(wantPath(call), call.response),
  "POST /files/bulk-download": async (call) => {
    const { paths = [] } = await readJson<{ readonly paths?: readonly string[] }>(call);
    if (paths.length === 0) throw new ApiError(400, 'request body must be {"paths": [ ... ]} and non-empty', DAEMON);
    await toTransfers(call).downloadAll(paths, call.response);
  },
};

interface EnvChange {
  readonly set?: Readonly<Record<string, string>>;
  readonly unset?: readonly string[];
}

interface ContextRequest extends StartOptions {
  readonly language?: string;
}

interface ReplaceRequest {
  readonly files?: readonly string[];
  readonly pattern?: string;
  readonly newValue?: string;
}

function toFiles({ toolbox }: ToolboxCall): FileTools {
  return new FileTools(toolbox);
}

function toTransfers(call: ToolboxCall): Transfers {
  return new Transfers(call.toolbox, toFiles(call), call.countBytes);
}

/** @throws 400 without it */
function wantPath({ query }: ToolboxCall, name = "path"): string {
  const path = query.get(name) ?? "";
  if (path === "") throw new ApiError(400, `${name} is required`, DAEMON);
  return path;
}

function findSession(call: ToolboxCall): Session {
  return call.toolbox.sessions.get(call.param("session"));
}

function findCommand(call: ToolboxCall): SessionCommand {
  return findSession(call).find(call.param("command"));
}

function toSessionDto({ id, commands }: Session): object {
  return { sessionId: id, commands: [...commands.values()].map(toCommandDto) };
}

function toCommandDto({ id, command, exitCode }: SessionCommand): object {
  return { id, command, exitCode };
}
