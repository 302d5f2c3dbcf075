import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/core/logger.ts";
import type { Provider } from "../../src/core/provider.ts";
import { createLocalProvider } from "../../src/providers/local/local-provider.ts";
import { createCredentials } from "../../src/sessions/credentials.ts";
import { createEngine, type HostedEngine } from "../../src/sessions/create-engine.ts";
import { DEFAULT_MAX_FILE_MIB, DEFAULT_MAX_UPLOAD_MIB, DEFAULT_TARGET } from "../../src/sessions/default-target.ts";
import { followRun } from "../../src/sessions/follow-run.ts";
import type { RunRecord, Target } from "../../src/sessions/records.ts";
import type { SnapshotRecord } from "../../src/sessions/snapshot-records.ts";
import { type StateFolder, toStateFolder } from "../../src/sessions/state-folder.ts";
import { createScanner } from "../../src/snapshots/scan/scanner.ts";
import { createSecretScanner } from "../../src/snapshots/secrets/secret-scanner.ts";
import { newProvider, useTestDaemon } from "../rig/docker/harness.ts";
import { TEST_IMAGE } from "../rig/docker/test-image.ts";

useTestDaemon();

const DOCKER: Target = { ...DEFAULT_TARGET, providerId: "docker", image: TEST_IMAGE, memoryMiB: 256, diskMiB: 256 };

async function withEngine(
  test: (engine: HostedEngine, workspace: string, state: StateFolder) => Promise<void>,
): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "sandpiper-trip-")));
  const state = toStateFolder({ SANDPIPER_STATE: join(folder, "state") });
  const scanner = createScanner(new URL("../../src/snapshots/scan/scan-worker.ts", import.meta.url));
  const secrets = createSecretScanner(new URL("../../src/snapshots/secrets/secret-worker.ts", import.meta.url));
  const local = createLocalProvider({}, { stateFolder: state.providers, env: process.env, platform: process.platform });
  const loadProvider = async ({ providerId }: Target): Promise<Provider> =>
    providerId === "docker" ? newProvider() : local;
  const engine = await createEngine({
    state,
    scanner,
    secrets,
    credentials: createCredentials(),
    logger: silentLogger,
    loadProvider,
  });
  try {
    await mkdir(join(folder, "workspace"));
    await test(engine, join(folder, "workspace"), state);
    for (const { id } of await engine.listSessions()) await engine.destroySession(id);
  } finally {
    await engine.dispose();
    await scanner.dispose();
    await secrets.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeTree(root: string): Promise<void> {
  const write = async (path: string, content: string | Uint8Array): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  };
  for (let index = 0; index < 200; index++)
    await write(`src/${index % 9}/file-${index}.txt`, `text ${index}\n`.repeat(index));
  await write("bin/run.sh", "#!/bin/sh\n");
  await chmod(join(root, "bin/run.sh"), 0o755);
  await write("ü/日本\n語.txt", "odd names\r\n");
  await write("empty.txt", "");
  await write(
    "binary.bin",
    Uint8Array.from({ length: 2 * 1024 ** 2 }, (_, at) => (at * at) >> 3),
  );
  await mkdir(join(root, "empty"));
  await symlink("../src/1/file-1.txt", join(root, "bin/link"));
}

async function runLine(
  engine: HostedEngine,
  { state, workspaceRoot, target, line }: { state: StateFolder; workspaceRoot: string; target: Target; line: string },
): Promise<RunRecord> {
  const { id } = await engine.startRun({
    workspaceRoot,
    target,
    command: { kind: "line", line },
    overlays: [],
    languages: {},
    env: {},
    timeoutMs: 0,
    origin: "test",
    stopOnDisconnect: false,
    pull: true,
    maxFileMiB: DEFAULT_MAX_FILE_MIB,
    maxUploadMiB: DEFAULT_MAX_UPLOAD_MIB,
    allowedSecrets: "all",
  });
  const following = followRun(engine, { state, runId: id, signal: AbortSignal.timeout(50_000) });
  for (;;) {
    const step = await following.next();
    if (step.done && step.value) return step.value;
    if (step.done) throw new Error("The run did not end in time.");
  }
}

describe("a session that is restored on another provider", () => {
  it("comes from local to Docker and back to the byte, mode and link, with what was made on the way", async () => {
    await withEngine(async (engine, workspaceRoot, state) => {
      await writeTree(workspaceRoot);
      const hold = async (sessionId: string | undefined): Promise<SnapshotRecord> =>
        await engine.takeSnapshot({ kind: "session", sessionId: sessionId ?? "" }, "held");
      const run = (target: Target, line: string): Promise<RunRecord> =>
        runLine(engine, { state, workspaceRoot, target, line });
      // Every file counts as touched after that: the next look reads all of them out of the sandbox.
      const touchAll = "find . -mindepth 1 -exec touch -h {} +";

      const first = await run(DEFAULT_TARGET, "mkdir made && echo local > made/local.txt && chmod 755 made/local.txt");
      const start = await hold(first.sessionId);
      expect(start.fileCount).toBe(206);

      const away = await engine.restoreSession(start.id, DOCKER);
      expect((await run(DOCKER, touchAll)).sessionId).toBe(away.id);
      const there = await hold(away.id);
      expect(there.treeHash).toBe(start.treeHash);

      await run(DOCKER, "echo docker > made/docker.txt; ln -s local.txt made/link");
      const back = await engine.restoreSession((await hold(away.id)).id, DEFAULT_TARGET);
      expect((await run(DEFAULT_TARGET, touchAll)).sessionId).toBe(back.id);
      const end = await hold(back.id);

      const changes = await engine.diffSnapshots(start.id, end.id);
      expect(changes.map(({ path, kind }) => [path, kind])).toEqual([
        ["made/docker.txt", "added"],
        ["made/link", "added"],
      ]);
    });
  });
});
