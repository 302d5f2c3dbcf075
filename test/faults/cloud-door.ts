import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Door, Said } from "./door.ts";

/** What a user of the command line has to do with a cloud. */
interface CloudUser {
  readonly providerId: string;
  /** Lead to the cloud's emulator, and sign in there. */
  readonly env: Readonly<Record<string, string>>;
  /** Not to be seen anywhere. */
  readonly keys: readonly string[];
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

type Env = Readonly<Record<string, string>>;

/** A user of the command line with a key for a cloud that nobody else has. `env` is laid over the user's own; "" takes a variable away. */
export class CloudDoor {
  readonly door: Door;
  readonly #user: CloudUser;
  /** Everything that was ever said to this user. */
  readonly #heard: string[] = [];

  constructor(door: Door, user: CloudUser) {
    this.door = door;
    this.#user = user;
  }

  async say(args: readonly string[], env: Env = {}): Promise<Said> {
    const said = await this.door.say(args, { env: { ...this.#user.env, ...env } });
    this.#heard.push(said.stdout.toString(), said.stderr);
    return said;
  }

  /** Runs a line for the shell in that cloud. */
  async run(line: string, args: readonly string[] = [], env: Env = {}): Promise<Said> {
    return await this.say(["run", "--provider", this.#user.providerId, ...args, "--", "sh", "-c", line], env);
  }

  /** Runs a line that will not do, and resolves with why. */
  async fail(args: readonly string[] = [], env: Env = {}): Promise<Failure> {
    const said = await this.run("echo ran", [...args, "--json"], env);
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

  /** Where a key, or any of these texts, can be read: files of the user's by path, and "heard". */
  async findKeys(others: readonly string[] = []): Promise<readonly string[]> {
    const keys = [...this.#user.keys, ...others];
    const holdsOne = (text: string): boolean => keys.some((key) => text.includes(key));
    const files = await readdir(this.door.folder, { recursive: true, withFileTypes: true });
    const found: string[] = this.#heard.some(holdsOne) ? ["heard"] : [];
    for (const file of files.filter((entry) => entry.isFile())) {
      const path = join(file.parentPath, file.name);
      if (holdsOne(await readFile(path, "latin1"))) found.push(path);
    }
    return found;
  }
}

/** What `--json` printed. */
function toEvents({ stdout }: Pick<Said, "stdout">): readonly Event[] {
  const lines = stdout.toString().split("\n");
  return lines.filter(Boolean).map((line): Event => JSON.parse(line));
}
