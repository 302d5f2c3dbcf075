import { once } from "node:events";
import { constants } from "node:os";
import { WebSocket } from "ws";
import type { NumberedProcess } from "../shared/machine.ts";
import { type TerminalSize, resizeTerminal, toTerminalCommand } from "../shared/terminal.ts";
import { ApiError } from "./api-error.ts";
import { killBelow } from "./process-tree.ts";
import type { Toolbox } from "./toolbox.ts";

/** `PtyCreateRequest` of the toolbox's API. */
export interface PtyRequest {
  readonly id?: string;
  readonly cols?: number;
  readonly rows?: number;
  readonly cwd?: string;
  readonly envs?: Readonly<Record<string, string>>;
  readonly lazyStart?: boolean;
}

/** Who wants to be told of the exit by a message offers this as a subprotocol; all others see the close alone. */
export const EXIT_CONTROL = "X-Daytona-Pty-Exit-Control";

const MOST = 1000;
const DEFAULT_SIZE: TerminalSize = { rows: 24, cols: 80 };
/** The first byte says that there is a terminal, which can be resized from then on; clients do not see it. */
const SHELL = ["sh", "-c", "printf '\\0'; exec bash -i -l"];
const SIGKILL = 128 + constants.signals.SIGKILL;
const REASONS: Readonly<Record<number, string>> = { 130: "Ctrl+C", 137: "SIGKILL", 143: "SIGTERM" };

/** A login shell in a terminal, and the sockets that see it. */
class Pty {
  readonly id: string;
  readonly #toolbox: Toolbox;
  readonly #request: PtyRequest;
  readonly #createdAt = new Date();
  readonly #clients = new Set<WebSocket>();
  readonly #onEnd: () => void;
  #size: TerminalSize;
  #process: Promise<NumberedProcess> | undefined;
  #isActive = false;

  constructor(toolbox: Toolbox, request: PtyRequest, onEnd: () => void) {
    this.id = request.id ?? "";
    this.#toolbox = toolbox;
    this.#request = request;
    this.#size = { rows: request.rows ?? DEFAULT_SIZE.rows, cols: request.cols ?? DEFAULT_SIZE.cols };
    this.#onEnd = onEnd;
  }

  /** `PtySessionInfo` */
  get info(): object {
    const { cwd = this.#toolbox.parts.workdir, envs = {}, lazyStart = false } = this.#request;
    return { id: this.id, cwd, envs, ...this.#size, createdAt: this.#createdAt, active: this.#isActive, lazyStart };
  }

  /** Starts the shell, unless it runs. */
  async start(): Promise<void> {
    this.#process ??= this.#start();
    await this.#process;
  }

  /** From now on a socket sees what the terminal shows, and types. */
  attach(client: WebSocket): void {
    this.#clients.add(client);
    client.on("message", (data: Buffer) => void this.#process?.then(({ stdin }) => stdin.write(data)));
    client.on("close", () => this.#clients.delete(client));
    client.on("error", () => this.#clients.delete(client));
    client.send(JSON.stringify({ type: "control", status: "connected" }));
  }

  /** @throws 410 when the shell does not run */
  async resize(size: TerminalSize): Promise<void> {
    const process = this.#isActive ? await this.#process : undefined;
    if (!process) throw new ApiError(410, `PTY session '${this.id}' is not active`, { source: "DAYTONA_DAEMON" });
    this.#size = size;
    await resizeTerminal(this.#toolbox.parts.machine, process, size);
  }

  async kill(): Promise<void> {
    const process = await this.#process?.catch(() => undefined);
    this.end(SIGKILL);
    if (process) await killBelow(process.pid);
  }

  /** Tells all clients of the end. */
  end(exitCode: number): void {
    if (!this.#isActive) return;
    this.#isActive = false;
    this.#onEnd();
    const exitReason = exitCode === 0 ? undefined : (REASONS[exitCode] ?? toReason(exitCode));
    for (const client of this.#clients) {
      if (client.protocol === EXIT_CONTROL) {
        client.send(JSON.stringify({ type: "control", status: "exited", exitCode, exitReason }));
      }
      client.close(exitCode === 0 ? 1000 : 1011, JSON.stringify({ exitCode, exitReason }));
    }
    this.#clients.clear();
  }

  async #start(): Promise<NumberedProcess> {
    this.#isActive = true;
    const { machine, env, workdir, userId, onCommand } = this.#toolbox.parts;
    const { envs, cwd = workdir } = this.#request;
    const argv = toTerminalCommand(SHELL, this.#size);
    const own = { ...env, TERM: "xterm-256color", ...envs };
    const process = await machine.startNumbered({ argv, env: own, workdir: cwd, userId });
    onCommand(argv.join(" "));
    process.stdin.on("error", () => {});
    process.stderr.resume();
    const drained = new Promise<void>((resolve) => {
      process.stdout.once("close", resolve);
    });
    const ready = once(process.stdout, "data");
    process.stdout.on("data", (chunk: Buffer) => this.#broadcast(chunk[0] === 0 ? chunk.subarray(1) : chunk));
    void Promise.all([process.ended, drained]).then(([{ code, signal }]) =>
      this.end(code ?? 128 + constants.signals[signal ?? "SIGKILL"]),
    );
    await Promise.race([ready, process.ended]);
    return process;
  }

  #broadcast(chunk: Buffer): void {
    for (const client of this.#clients) if (client.readyState === WebSocket.OPEN) client.send(chunk);
  }
}

/** The terminals of one sandbox, until it stops. */
export class Ptys {
  readonly #toolbox: Toolbox;
  readonly #ptys = new Map<string, Pty>();

  constructor(toolbox: Toolbox) {
    this.#toolbox = toolbox;
  }

  get infos(): object[] {
    return [...this.#ptys.values()].map(({ info }) => info);
  }

  /** Does not start it. @throws 400, 409 */
  create(request: PtyRequest): Pty {
    const { id = "" } = request;
    if (id === "") throw new ApiError(400, "session ID is required");
    if (this.#ptys.has(id)) throw new ApiError(409, `PTY session with ID '${id}' already exists`);
    checkSize(request);
    const pty = new Pty(this.#toolbox, request, () => this.#ptys.delete(id));
    this.#ptys.set(id, pty);
    return pty;
  }

  /** @throws 404 */
  get(id: string): Pty {
    const found = this.#ptys.get(id);
    if (!found) throw new ApiError(404, "PTY session not found", { source: "DAYTONA_DAEMON" });
    return found;
  }

  /** @throws 400, 410 */
  async resize(id: string, size: TerminalSize): Promise<object> {
    checkSize(size);
    const pty = this.#ptys.get(id);
    if (!pty) throw new ApiError(410, `PTY session ${id} not found`, { source: "DAYTONA_DAEMON" });
    await pty.resize(size);
    return pty.info;
  }

  /** @throws 404 */
  async delete(id: string): Promise<void> {
    await this.get(id).kill();
    this.#ptys.delete(id);
  }

  close(): void {
    for (const pty of this.#ptys.values()) pty.end(SIGKILL);
  }
}

function checkSize({ cols = 1, rows = 1 }: Partial<TerminalSize>): void {
  if (cols > MOST) throw new ApiError(400, "cols must be less than 1000");
  if (rows > MOST) throw new ApiError(400, "rows must be less than 1000");
}

function toReason(exitCode: number): string {
  return exitCode > 128 ? `signal ${exitCode - 128}` : "non-zero exit";
}
