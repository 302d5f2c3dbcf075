import { randomUUID } from "node:crypto";
import path from "node:path";
import type { SpawnedProcess } from "../shared/spawner.ts";
import { ApiError } from "./api-error.ts";
import { LabelledLog, type StreamName } from "./labelled-log.ts";
import { killBelow } from "./process-tree.ts";
import { SessionOutput, toMark } from "./session-output.ts";
import type { Toolbox } from "./toolbox.ts";

/** `SessionExecuteRequest` of the toolbox's API. */
export interface SessionExecuteRequest {
  readonly command?: string;
  readonly runAsync?: boolean;
  readonly async?: boolean;
  readonly suppressInputEcho?: boolean;
}

/** One command of a session, from its order on. */
export class SessionCommand {
  readonly id = randomUUID();
  readonly command: string;
  readonly echoesInput: boolean;
  readonly log: LabelledLog;
  /** Undefined while it runs, and for good when its shell has gone with it. */
  exitCode: number | undefined;
  readonly #ended = Promise.withResolvers<void>();
  #openStreams = 2;

  constructor({ command = "", suppressInputEcho = false }: SessionExecuteRequest, spoolFolder: string) {
    this.command = command;
    this.echoesInput = !suppressInputEcho;
    this.log = new LabelledLog(path.join(spoolFolder, this.id));
  }

  /** Resolves at its exit, or when its session is deleted. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** One of its two streams has ended. */
  endStream(exitCode: number): void {
    this.#openStreams -= 1;
    if (this.#openStreams > 0) return;
    this.exitCode = exitCode;
    this.abandon();
  }

  /** Nothing more will be heard of it. */
  abandon(): void {
    this.log.end();
    this.#ended.resolve();
  }
}

/** A shell that reads commands one after the other, and is in the state in which the one before has left it. */
export class Session {
  readonly id: string;
  readonly commands = new Map<string, SessionCommand>();
  readonly #toolbox: Toolbox;
  readonly #shell: SpawnedProcess;
  readonly #outputs: Readonly<Record<StreamName, SessionOutput>>;
  #hasExited = false;

  constructor(id: string, toolbox: Toolbox, shell: SpawnedProcess) {
    this.id = id;
    this.#toolbox = toolbox;
    this.#shell = shell;
    this.#outputs = { stdout: new SessionOutput("stdout"), stderr: new SessionOutput("stderr") };
    shell.stdout.on("data", (chunk: Buffer) => this.#outputs.stdout.feed(chunk));
    shell.stderr.on("data", (chunk: Buffer) => this.#outputs.stderr.feed(chunk));
    shell.stdin.on("error", () => {});
    void this.#watch();
  }

  /** Starts a command, or lets it wait for the one before; it can be typed into from then on. @throws 400 when the shell has gone */
  async execute(request: SessionExecuteRequest): Promise<SessionCommand> {
    if (this.#hasExited) throw new ApiError(400, "failed to execute command: failed to write command: broken pipe");
    const { spoolFolder, isInline, onCommand } = this.#toolbox.parts;
    const command = new SessionCommand(request, spoolFolder);
    this.commands.set(command.id, command);
    await this.#toolbox.run(["sh", "-c", MAKE_PIPES, toFolder(command)]);
    for (const output of Object.values(this.#outputs)) output.expect(command);
    const isAsync = request.runAsync ?? request.async ?? false;
    this.#shell.stdin.write(toScript(command, isAsync, isInline));
    onCommand(command.command);
    return command;
  }

  /** Types into a command that runs; what has no newline at its end gets one. @throws 404, 410 */
  async type(commandId: string, data: string): Promise<void> {
    const command = this.find(commandId);
    if (this.#hasExited) throw new ApiError(410, "session process has exited", { code: "SESSION_ENDED", ...DAEMON });
    if (command.exitCode !== undefined) {
      const message = `command has already completed with exit code ${command.exitCode}`;
      throw new ApiError(410, message, { code: "COMMAND_ALREADY_COMPLETED", ...DAEMON });
    }
    const line = data.endsWith("\n") ? data : `${data}\n`;
    await this.#toolbox.run(["sh", "-c", 'cat >"$0"', `${toFolder(command)}/in`], Buffer.from(line));
    if (command.echoesInput) command.log.append("stdout", [Buffer.from(line.slice(0, -1))]);
  }

  /** @throws 404 */
  find(commandId: string): SessionCommand {
    const found = this.commands.get(commandId);
    if (!found) throw new ApiError(404, "command not found", DAEMON);
    return found;
  }

  /** Ends its shell and all that it has started. */
  async delete(): Promise<void> {
    await killBelow(this.#shell.pid);
    await this.#shell.ended;
    this.forget();
  }

  /** Its processes are gone. */
  forget(): void {
    for (const command of this.commands.values()) command.abandon();
  }

  async #watch(): Promise<void> {
    await this.#shell.ended;
    this.#hasExited = true;
  }
}

/** The sessions of one sandbox, until it stops. */
export class Sessions {
  readonly #toolbox: Toolbox;
  readonly #sessions = new Map<string, Session>();

  constructor(toolbox: Toolbox) {
    this.#toolbox = toolbox;
  }

  get all(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  /** @throws 409 for an id that there is */
  async create(id: string): Promise<void> {
    if (this.#sessions.has(id)) throw new ApiError(409, "session already exists", DAEMON);
    this.#sessions.set(id, new Session(id, this.#toolbox, await this.#toolbox.start(["bash"])));
  }

  /** @throws 404 */
  get(id: string): Session {
    const found = this.#sessions.get(id);
    if (!found) throw new ApiError(404, "session not found", DAEMON);
    return found;
  }

  /** @throws 404 */
  async delete(id: string): Promise<void> {
    await this.get(id).delete();
    this.#sessions.delete(id);
  }

  close(): void {
    for (const session of this.all) session.forget();
    for (const session of this.all) for (const command of session.commands.values()) command.log.dispose();
  }
}

const DAEMON = { source: "DAYTONA_DAEMON" } as const;

const MAKE_PIPES = 'mkdir -p "$0" && mkfifo "$0/in" "$0/out" "$0/err"';

function toFolder({ id }: SessionCommand): string {
  return `/tmp/.daytona/${id}`;
}

/**
 * What the shell is given: the command's streams, the command in the shell itself, and at the end a mark on both
 * streams. The mark waits until whatever the command left behind has closed them. A command ends its shell by `exit`.
 */
function toScript(command: SessionCommand, isAsync: boolean, isInline: boolean): string {
  const folder = toFolder(command);
  const input = isAsync ? `sleep infinity >"${folder}/in"` : `: >"${folder}/in"`;
  const body = isInline ? `{ ${command.command}; }` : `eval ${quote(command.command)}`;
  return `{
cat <${folder}/out & _out=$!
cat <${folder}/err >&2 & _err=$!
${input} & _in=$!
${body} <${folder}/in >${folder}/out 2>${folder}/err
_code=$?
kill -s PIPE $_in 2>/dev/null; wait $_out $_err
rm -rf ${folder}
printf '${toMark(command.id)}%s\\n' $_code; printf '${toMark(command.id)}%s\\n' $_code >&2
}
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
