import { resolve } from "node:path";
import type { ConnectedEngine } from "../host/engine-client.ts";
import { DEFAULT_MAX_FILE_MIB } from "../sessions/default-target.ts";
import type { SnapshotRecord, SnapshotSource } from "../sessions/snapshot-records.ts";
import { ACCOUNT_OPTIONS, signIn } from "./account.ts";
import type { CliContext } from "./connect.ts";
import { describeDiff, describeFile, describeSnapshot } from "./describe-snapshot.ts";
import { findSession, findSnapshot, WHICH } from "./find-record.ts";
import { restoreSnapshot } from "./restore.ts";
import { UsageError } from "./usage-error.ts";
import { parseWords, withEngine } from "./with-engine.ts";
import { findWorkspaceRoot } from "./workspace-root.ts";

const OPTIONS = { json: { type: "boolean" }, workspace: { type: "string" } } as const;

type Subcommand = (context: CliContext) => Promise<number>;

const SUBCOMMANDS: ReadonlyMap<string, Subcommand> = new Map<string, Subcommand>([
  ["list", list],
  ["show", show],
  ["diff", diff],
  ["restore", restoreSnapshot],
  ["export", exportSnapshot],
  ["import", importSnapshot],
  ["take", take],
  ["rename", rename],
  ["pin", (context) => update(context, true)],
  ["unpin", (context) => update(context, false)],
  ["delete", remove],
]);

/** `sandpiper snapshots`: lists them when nothing more is said. @throws {UsageError} {@link SandboxError} */
export async function snapshots(context: CliContext): Promise<number> {
  const [name = "list", ...args] = context.args;
  if (name.startsWith("-")) return await list(context);
  const subcommand = SUBCOMMANDS.get(name);
  if (subcommand) return await subcommand({ ...context, args });
  throw new UsageError(`There is no command "snapshots ${name}", but ${[...SUBCOMMANDS.keys()].join(", ")}.`);
}

async function list(context: CliContext): Promise<number> {
  const { values } = parseWords(context.args, { ...OPTIONS, all: { type: "boolean" } }, 0);
  const root = values.all ? undefined : findWorkspaceRoot({ cwd: context.cwd, workspace: values.workspace });
  return await withEngine(context, async (engine, { print, printJson }) => {
    for (const snapshot of await engine.listSnapshots()) {
      if (root !== undefined && snapshot.workspaceRoot !== root) continue;
      await (values.json ? printJson(snapshot) : print(describeSnapshot(snapshot, root === undefined)));
    }
    return 0;
  });
}

async function show(context: CliContext): Promise<number> {
  const { words, values } = parseWords(context.args, OPTIONS, 1, WHICH);
  return await withEngine(context, async (engine, { print, printJson }) => {
    const snapshot = await findSnapshot(engine, words[0] ?? "", context);
    const files = await engine.listSnapshotFiles(snapshot.id);
    if (values.json) await printJson({ ...snapshot, files });
    else for (const line of [describeSnapshot(snapshot, true), ...files.map(describeFile)]) await print(line);
    return 0;
  });
}

async function diff(context: CliContext): Promise<number> {
  const { words, values } = parseWords(context.args, OPTIONS, 2, WHICH);
  const [from = "", to] = words;
  if (to === undefined) throw new UsageError("Say which two: the older, then the newer.");
  return await withEngine(context, async (engine, { print, printJson }) => {
    const ids = [await findSnapshot(engine, from, context), await findSnapshot(engine, to, context)] as const;
    const changes = await engine.diffSnapshots(ids[0].id, ids[1].id);
    if (values.json) for (const change of changes) await printJson(change);
    else for (const line of describeDiff(changes)) await print(line);
    return 0;
  });
}

async function exportSnapshot(context: CliContext): Promise<number> {
  const { words } = parseWords(context.args, OPTIONS, 2, WHICH);
  const [word = "", file] = words;
  if (file === undefined) throw new UsageError("Say which file to write.");
  return await withEngine(context, async (engine) => {
    await engine.exportSnapshot((await findSnapshot(engine, word, context)).id, resolve(context.cwd, file));
    return 0;
  });
}

async function importSnapshot(context: CliContext): Promise<number> {
  const { words, values } = parseWords(context.args, OPTIONS, 1, "Say which file to read.");
  const root = findWorkspaceRoot({ cwd: context.cwd, workspace: values.workspace });
  return await made(context, values.json, (engine) =>
    engine.importSnapshot(resolve(context.cwd, words[0] ?? ""), root),
  );
}

async function take(context: CliContext): Promise<number> {
  const { words, values } = parseWords(
    context.args,
    { ...OPTIONS, ...ACCOUNT_OPTIONS, session: { type: "string" } },
    1,
  );
  const { session, workspace } = values;
  const toSource = async (engine: ConnectedEngine): Promise<SnapshotSource> => {
    if (session !== undefined) {
      const { id, target } = await findSession(engine, session);
      await signIn(engine, target.providerId, values, process.env);
      return { kind: "session", sessionId: id };
    }
    const workspaceRoot = findWorkspaceRoot({ cwd: context.cwd, workspace });
    return { kind: "workspace", workspaceRoot, overlays: [], maxFileMiB: DEFAULT_MAX_FILE_MIB };
  };
  return await made(context, values.json, async (engine) => engine.takeSnapshot(await toSource(engine), words[0]));
}

async function rename(context: CliContext): Promise<number> {
  const { words, values } = parseWords(context.args, OPTIONS, 2, WHICH);
  const [word = "", name] = words;
  if (name === undefined) throw new UsageError("Say the name; an empty one takes it away.");
  return await made(context, values.json, async (engine) =>
    engine.updateSnapshot((await findSnapshot(engine, word, context)).id, { name }),
  );
}

async function update(context: CliContext, isPinned: boolean): Promise<number> {
  const { words, values } = parseWords(context.args, OPTIONS, 1, WHICH);
  return await made(context, values.json, async (engine) =>
    engine.updateSnapshot((await findSnapshot(engine, words[0] ?? "", context)).id, { isPinned }),
  );
}

async function remove(context: CliContext): Promise<number> {
  const { words } = parseWords(context.args, OPTIONS, Infinity, WHICH);
  return await withEngine(context, async (engine) => {
    const doomed = [];
    // All are found before any is gone.
    for (const word of words) doomed.push(await findSnapshot(engine, word, context));
    for (const { id } of doomed) await engine.deleteSnapshot(id);
    return 0;
  });
}

/** Prints the snapshot that came of it: its row, for the id in front. */
async function made(
  context: CliContext,
  isJson: boolean | undefined,
  make: (engine: ConnectedEngine) => Promise<SnapshotRecord>,
): Promise<number> {
  return await withEngine(context, async (engine, { print, printJson }) => {
    const snapshot = await make(engine);
    await (isJson ? printJson(snapshot) : print(describeSnapshot(snapshot, false)));
    return 0;
  });
}
