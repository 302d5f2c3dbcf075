import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import type { ModalToken } from "../emulators/modal/credentials.ts";
import {
  type ModalEmulator,
  type ModalEmulatorOptions,
  startModalEmulator,
} from "../emulators/modal/modal-emulator.ts";
import { Door, type Said } from "./door.ts";

/** How to say something. */
export interface UserOptions {
  /** Laid over the user's own; "" takes a variable away. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called once the command has said something. */
  readonly onOutput?: () => void;
}

/** What a command that failed came to. */
export interface Failure {
  readonly exitCode: number | null;
  /** Of its event `error`. */
  readonly code: string | undefined;
  readonly message: string;
  readonly ms: number;
}

/** An event of `--json`. */
type Event = Readonly<Record<string, unknown>>;

/** A user of the command line with a key for Modal that nobody else has, and a Modal that nobody else uses. */
export class ModalDoor {
  readonly door: Door;
  readonly emulator: ModalEmulator;
  readonly token: ModalToken;
  /** Everything that was ever said to this user. */
  readonly #heard: string[] = [];

  private constructor(door: Door, emulator: ModalEmulator, token: ModalToken) {
    this.door = door;
    this.emulator = emulator;
    this.token = token;
  }

  static async open(options: Omit<ModalEmulatorOptions, "tokens"> = {}): Promise<ModalDoor> {
    const token = { tokenId: `ak-${newKey()}`, tokenSecret: `as-${newKey()}` };
    const emulator = await startModalEmulator({ ...options, tokens: [token] });
    return new ModalDoor(await Door.open(), emulator, token);
  }

  async say(args: readonly string[], { env, onOutput }: UserOptions = {}): Promise<Said> {
    const said = await this.door.say(args, {
      ...(onOutput ? { onOutput } : {}),
      env: {
        SANDPIPER_MODAL_SERVER_URL: this.emulator.url,
        MODAL_TOKEN_ID: this.token.tokenId,
        MODAL_TOKEN_SECRET: this.token.tokenSecret,
        ...env,
      },
    });
    this.#heard.push(said.stdout.toString(), said.stderr);
    return said;
  }

  /** Runs a line for the shell at Modal. */
  async run(line: string, args: readonly string[] = [], options: UserOptions = {}): Promise<Said> {
    return await this.say(["run", "--provider", "modal", ...args, "--", "sh", "-c", line], options);
  }

  /** Runs a line that will not do, and resolves with why. */
  async fail(args: readonly string[] = [], options: UserOptions = {}): Promise<Failure> {
    const said = await this.run("echo ran", [...args, "--json"], options);
    const events = toEvents(said);
    const error = events.find(({ type }) => type === "error");
    return {
      exitCode: said.code,
      code: error && String(error["code"]),
      message: error ? String(error["message"]) : said.stderr,
      ms: said.ms,
    };
  }

  /** Ends every session, as its user would. */
  async destroyAll(): Promise<void> {
    for (const { id, state } of toEvents(await this.say(["sessions", "--json"])))
      if (state !== "ended") await this.say(["destroy", String(id)]);
  }

  /** Where a half of the key, or of any of these texts, can be read: files of the user's by path, and "heard". */
  async findKeys(others: readonly string[] = []): Promise<readonly string[]> {
    const keys = [this.token.tokenId, this.token.tokenSecret, ...others];
    const holdsOne = (text: string): boolean => keys.some((key) => text.includes(key));
    const files = await readdir(this.door.folder, { recursive: true, withFileTypes: true });
    const found: string[] = this.#heard.some(holdsOne) ? ["heard"] : [];
    for (const file of files.filter((entry) => entry.isFile())) {
      const path = join(file.parentPath, file.name);
      if (holdsOne(await readFile(path, "latin1"))) found.push(path);
    }
    return found;
  }

  async close(): Promise<void> {
    await this.door.close();
    await this.emulator.close();
  }
}

/** What `--json` printed. */
function toEvents({ stdout }: Pick<Said, "stdout">): readonly Event[] {
  const lines = stdout.toString().split("\n");
  return lines.filter(Boolean).map((line): Event => JSON.parse(line));
}

function newKey(): string {
  return randomBytes(12).toString("hex");
}
