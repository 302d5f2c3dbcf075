import { text } from "node:stream/consumers";
import { mkdir, mkdtemp } from "node:fs/promises";
import path from "node:path";
import type { ImageStore } from "./images.ts";
import { startMachine } from "../shared/machine.ts";
import { prepareRoot } from "../shared/root-folder.ts";
import { HOSTNAME, toBinds } from "./places.ts";
import { BASE_ENV } from "./sandbox.ts";
import type { Spawner } from "../shared/spawner.ts";
import { copyTree, removeTree } from "../shared/trees.ts";

/** One layer: its commands without FROM, on top of an image that there is. */
export interface Layer {
  /** The new image's. */
  readonly id: string;
  readonly base: string;
  readonly commands: readonly string[];
  /** What its secrets stand for; RUN sees it, the image does not keep it. */
  readonly env: Readonly<Record<string, string>>;
}

/** Where builds take place. */
export interface BuildHost {
  readonly images: ImageStore;
  readonly spawner: Spawner;
}

interface Building {
  readonly layer: Layer;
  readonly host: BuildHost;
  /** Holds `root`. */
  readonly folder: string;
  env: Readonly<Record<string, string>>;
  workdir: string;
}

const WITHOUT_EFFECT = new Set(["CMD", "ENTRYPOINT", "EXPOSE", "LABEL", "SHELL", "USER"]);

/**
 * Carries out Dockerfile commands: RUN for real, in a machine on a copy of the base's files, as root, with the host's
 * `/usr` read-only; ENV and WORKDIR are kept.
 *
 * @throws when a command fails, with what it said, or is none that is known.
 */
export async function buildLayer(layer: Layer, { images, spawner }: BuildHost): Promise<void> {
  const folder = await mkdtemp(path.join(images.folder, "build-"));
  const base = images.get(layer.base);
  const building: Building = { layer, host: { images, spawner }, folder, env: base.env, workdir: base.workdir };
  const root = path.join(folder, "root");
  try {
    await mkdir(root);
    const files = images.filesOf(layer.base);
    if (files) await copyTree(spawner, files, root);
    prepareRoot(root, { hostname: HOSTNAME });
    for (const command of layer.commands) await carryOut(command.replaceAll(/\\\n/g, " ").trim(), building);
    await images.save({
      id: layer.id,
      kind: "built",
      ttlSeconds: undefined,
      inherited: { env: building.env, workdir: building.workdir },
      fill: (to) => copyTree(spawner, root, to),
    });
  } finally {
    await removeTree(spawner, folder);
  }
}

async function carryOut(command: string, building: Building): Promise<void> {
  const [, name = "", rest = ""] = /^(\S+)\s*([\s\S]*)$/.exec(command) ?? [];
  const word = name.toUpperCase();
  if (word === "RUN") await run(rest, building);
  else if (word === "ENV") building.env = { ...building.env, ...toVariables(rest) };
  else if (word === "WORKDIR") building.workdir = path.posix.resolve(building.workdir, rest);
  else if (command !== "" && !command.startsWith("#") && !WITHOUT_EFFECT.has(word)) {
    throw new Error(`Dockerfile command ${word} is not known.`);
  }
}

async function run(command: string, { layer, host, folder, env, workdir }: Building): Promise<void> {
  await mkdir(path.join(folder, "root", workdir), { recursive: true });
  const machine = await startMachine({
    spawner: host.spawner,
    root: path.join(folder, "root"),
    binds: toBinds(folder, host.images.folder),
    hostname: HOSTNAME,
    hasNetwork: true,
    entrypoint: ["sh", "-c", command],
    env: { ...BASE_ENV, ...env, ...layer.env },
    workdir,
  });
  machine.entrypoint.stdin.end();
  const [code, stdout, stderr] = await Promise.all([
    machine.ended,
    text(machine.entrypoint.stdout),
    text(machine.entrypoint.stderr),
  ]);
  if (code !== 0) throw new Error(`RUN ${command} ended with ${code}:\n${(stdout + stderr).slice(-2000)}`);
}

/** "A=1 B='x y'" or the older "A 1". */
function toVariables(given: string): Record<string, string> {
  if (!/^\S+=/.test(given)) {
    const [name = "", ...value] = given.split(/\s+/);
    return { [name]: value.join(" ") };
  }
  const pairs = given.matchAll(/(\w+)=("(?:[^"]*)"|'(?:[^']*)'|\S*)/g);
  return Object.fromEntries(
    [...pairs].map(([, name = "", value = ""]) => [name, value.replaceAll(/^["']|["']$/g, "")]),
  );
}
