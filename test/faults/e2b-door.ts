import { randomBytes } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type E2bEmulator, type E2bEmulatorOptions, startE2bEmulator } from "../emulators/e2b/e2b-emulator.ts";
import { Door, type Said } from "./door.ts";

/** How to say something. */
interface UserOptions {
  /** Laid over the user's own; "" takes a variable away. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called once the command has said something. */
  readonly onOutput?: () => void;
}

/** What a command that failed came to. */
interface Failure {
  readonly exitCode: number | null;
  /** Of its event `error`. */
  readonly code: string | undefined;
  readonly message: string;
  readonly ms: number;
}

/** An event of `--json`. */
type Event = Readonly<Record<string, unknown>>;

/** A user of the command line with a key for E2B that nobody else has, and an E2B that nobody else uses. */
export class E2bDoor {
  readonly door: Door;
  readonly emulator: E2bEmulator;
  readonly apiKey: string;
  /** Everything that was ever said to this user. */
  readonly #heard: string[] = [];

  private constructor(door: Door, emulator: E2bEmulator, apiKey: string) {
    this.door = door;
    this.emulator = emulator;
    this.apiKey = apiKey;
  }

  static async open(options: Omit<E2bEmulatorOptions, "apiKeys"> = {}): Promise<E2bDoor> {
    const apiKey = `e2b_${randomBytes(20).toString("hex")}`;
    const emulator = await startE2bEmulator({ ...options, apiKeys: [apiKey] });
    return new E2bDoor(await Door.open(), emulator, apiKey);
  }

  async say(args: readonly string[], { env, onOutput }: UserOptions = {}): Promise<Said> {
    const said = await this.door.say(args, {
      ...(onOutput ? { onOutput } : {}),
      env: {
        E2B_API_URL: this.emulator.url,
        E2B_SANDBOX_URL: this.emulator.url,
        E2B_API_KEY: this.apiKey,
        ...env,
      },
    });
    this.#heard.push(said.stdout.toString(), said.stderr);
    return said;
  }

  /** Runs a line for the shell at E2B. */
  async run(line: string, args: readonly string[] = [], options: UserOptions = {}): Promise<Said> {
    return await this.say(["run", "--provider", "e2b", ...args, "--", "sh", "-c", line], options);
  }

  /** Runs a line that will not do, and resolves with why. */
  async fail(args: readonly string[] = [], options: UserOptions = {}): Promise<Failure> {
    const said = await this.run("echo ran", [...args, "--json"], options);
    const error = toEvents(said).find(({ type }) => type === "error");
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

  /** Where the key, or any of these texts, can be read: files of the user's by path, and "heard". */
  async findKeys(others: readonly string[] = []): Promise<readonly string[]> {
    const keys = [this.apiKey, ...others];
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
