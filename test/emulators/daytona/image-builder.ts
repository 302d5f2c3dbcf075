import { mkdir } from "node:fs/promises";
import path from "node:path";
import { buffer, text } from "node:stream/consumers";
import { startMachine } from "../shared/machine.ts";
import { prepareRoot } from "../shared/root-folder.ts";
import type { SpawnedProcess, Spawner } from "../shared/spawner.ts";
import { removeTree } from "../shared/trees.ts";
import { type Dockerfile, readDockerfile } from "./dockerfile.ts";

/** What commands find in a sandbox. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string>>;
  /** Where commands start. */
  readonly workdir: string;
  /** Who commands are. */
  readonly user: "root" | "daytona";
}

/** What a sandbox starts from. */
export interface Source {
  readonly surroundings: Surroundings;
  /** A folder with files to be laid over an empty tree; a registry's image has none, as `/usr` is the host's. */
  readonly files: string | undefined;
}

export const HOSTNAME = "daytona";
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The variables that every sandbox has. */
export function toBaseEnv(user: Surroundings["user"]): Record<string, string> {
  const home = user === "root" ? "/root" : `/home/${user}`;
  return { PATH, HOME: home, USER: user, LANG: "C.UTF-8", SHELL: "/bin/bash" };
}

/** Makes images from Dockerfiles; the same content is built once. */
export class ImageBuilder {
  readonly #folder: string;
  readonly #spawner: Spawner;
  readonly #built = new Map<string, Source>();

  /** Files of images are kept below `folder`. */
  constructor(folder: string, spawner: Spawner) {
    this.#folder = folder;
    this.#spawner = spawner;
  }

  /** What has been built of that content. */
  find(content: string): Source | undefined {
    return this.#built.get(content);
  }

  /** @throws Error that says why it failed; `log` hears what happens */
  async build(content: string, log: (line: string) => void): Promise<Source> {
    const dockerfile = readDockerfile(content);
    if (dockerfile.from === "") throw new Error("The Dockerfile has no FROM.");
    const [other] = dockerfile.others;
    if (other !== undefined) throw new Error(`The emulator does not build: ${other}`);
    const surroundings: Surroundings = {
      env: dockerfile.env,
      workdir: dockerfile.workdir ?? "/root",
      user: "root",
    };
    log(`FROM ${dockerfile.from}`);
    const files = dockerfile.runs.length > 0 ? await this.#run(dockerfile, surroundings, log) : undefined;
    const source = { surroundings, files };
    this.#built.set(content, source);
    return source;
  }

  async #run({ runs }: Dockerfile, surroundings: Surroundings, log: (line: string) => void): Promise<string> {
    const root = path.join(this.#folder, `built-${this.#built.size}-${process.hrtime.bigint()}`);
    await mkdir(root, { recursive: true });
    prepareRoot(root, { hostname: HOSTNAME });
    await mkdir(path.join(root, surroundings.workdir), { recursive: true });
    const env = { ...toBaseEnv("root"), ...surroundings.env };
    const { workdir } = surroundings;
    const entrypoint = ["sleep", "infinity"];
    const options = { spawner: this.#spawner, root, hostname: HOSTNAME, hasNetwork: true, entrypoint, env, workdir };
    const machine = await startMachine(options);
    const failure = await runAll(runs, (argv) => machine.start({ argv, env, workdir }), log);
    await machine.destroy();
    if (failure === undefined) return root;
    await removeTree(this.#spawner, root);
    throw new Error(failure);
  }
}

/** Runs commands one after the other until one fails; returns what it said. */
async function runAll(
  commands: readonly string[],
  start: (argv: string[]) => Promise<SpawnedProcess>,
  log: (line: string) => void,
): Promise<string | undefined> {
  for (const command of commands) {
    log(`RUN ${command}`);
    const process = await start(["sh", "-c", `${command} 2>&1`]);
    process.stdin.end();
    const [{ code }, said] = await Promise.all([process.ended, text(process.stdout), buffer(process.stderr)]);
    log(said);
    if (code !== 0) return `RUN ${command} ended with ${code}: ${said}`;
  }
  return undefined;
}
