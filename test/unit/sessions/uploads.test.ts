import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { DEFAULT_TARGET } from "../../../src/sessions/default-target.ts";
import type { RunRecord } from "../../../src/sessions/records.ts";
import { EngineBench } from "../../fakes/engine-bench.ts";
import { toFakeToken } from "../../fakes/fake-secrets.ts";

let bench: EngineBench | undefined;

afterEach(async () => {
  await bench?.dispose();
  bench = undefined;
});

async function newBench(): Promise<EngineBench> {
  bench = await EngineBench.create();
  return bench;
}

const TOKEN = toFakeToken("ghp_", 36);
const OTHER = toFakeToken("glpat-", 20);

function findingsOf({
  blocked,
}: RunRecord): readonly { path: string; line: number; kind: string; fingerprint: string }[] {
  return blocked?.kind === "secrets" ? blocked.findings : [];
}

describe("an upload with a credential", () => {
  it("is blocked before anything is sent, with the place and the kind but not the credential", async () => {
    const here = await newBench();
    await here.write("src/app.py", `import os\nTOKEN = "${TOKEN}"\n`);

    const { run } = await here.runLine("cat src/app.py");

    expect(run.error?.code).toBe("blocked");
    expect(run.error?.message).toContain("src/app.py:2 (GitHub token)");
    expect(run.error?.message).toContain('"/src/app.py" in .sandboxignore');
    expect(findingsOf(run)).toMatchObject([{ path: "src/app.py", line: 2, kind: "GitHub token", hint: "ghp_…(40)" }]);
    expect(run.exit).toBeUndefined();
    expect((await here.engine.listSnapshots()).filter(({ cause }) => cause === "push")).toEqual([]);
  });

  it("leaves the credential in nothing that Sandpiper keeps", async () => {
    const here = await newBench();
    await here.write("app.py", `TOKEN = "${TOKEN}"\n`);

    await here.runLine("true");
    await here.engine.dispose();

    expect(await findFilesWith(here.state.root, TOKEN)).toEqual([]);
    expect(await findFilesWith(join(here.folder, "sandboxes"), TOKEN)).toEqual([]);
  });

  it("goes when that credential is allowed for one run, and is blocked again when it is sent anew", async () => {
    const here = await newBench();
    await here.write("app.py", `TOKEN = "${TOKEN}"\n`);
    const blocked = await here.runLine("cat app.py");
    const allowedSecrets = findingsOf(blocked.run).map(({ fingerprint }) => fingerprint);

    const allowed = await here.runLine("cat app.py", { allowedSecrets });
    const unchanged = await here.runLine("cat app.py");
    await here.write("app.py", `# more\nTOKEN = "${TOKEN}"\n`);
    const changed = await here.runLine("cat app.py");

    expect(allowed.stdout).toContain(TOKEN);
    expect(unchanged.stdout).toContain(TOKEN);
    expect(changed.run.error?.code).toBe("blocked");
  });

  it("goes from then on when it is allowed for the workspace, also for an engine that starts later", async () => {
    const here = await newBench();
    await here.write("app.py", `TOKEN = "${TOKEN}"\n`);
    const blocked = await here.runLine("cat app.py");
    await here.engine.allowSecrets(
      here.workspace,
      findingsOf(blocked.run).map(({ fingerprint }) => fingerprint),
    );
    await here.restart();

    const allowed = await here.runLine("cat app.py");
    await here.write("copy.py", `TOKEN = "${TOKEN}"\n`);
    const again = await here.runLine("cat copy.py");

    expect(allowed.stdout).toContain(TOKEN);
    expect(again.stdout).toContain(TOKEN);
  });

  it("is blocked by a second credential when the first is allowed", async () => {
    const here = await newBench();
    await here.write("app.py", `TOKEN = "${TOKEN}"\n`);
    const blocked = await here.runLine("true");
    await here.engine.allowSecrets(
      here.workspace,
      findingsOf(blocked.run).map(({ fingerprint }) => fingerprint),
    );
    await here.write("app.py", `TOKEN = "${TOKEN}"\nOTHER = "${OTHER}"\n`);

    const { run } = await here.runLine("true");

    expect(findingsOf(run)).toMatchObject([{ path: "app.py", line: 2, kind: "GitLab token" }]);
  });

  it("goes without the file when .sandboxignore leaves that out", async () => {
    const here = await newBench();
    await here.write("app.py", `TOKEN = "${TOKEN}"\n`);
    await here.write(".sandboxignore", "/app.py\n");

    const { run, stdout } = await here.runLine("ls -A");

    expect(run.error).toBeUndefined();
    expect(stdout).not.toContain("app.py");
  });

  it("is blocked by text that is on screen and not on disk, and by code that is no file", async () => {
    const here = await newBench();
    await here.write("app.py", "TOKEN = None\n");

    const unsaved = await here.runLine("true", { overlays: [{ path: "app.py", text: `TOKEN = "${TOKEN}"\n` }] });
    const code = await here.run(
      here.toRequest({ kind: "code", path: "cell.py", text: `TOKEN = "${TOKEN}"\n`, args: [] }),
    );

    expect(findingsOf(unsaved.run)).toMatchObject([{ path: "app.py", line: 1 }]);
    expect(findingsOf(code.run)).toMatchObject([{ path: "cell.py", line: 1 }]);
  });

  it("is blocked in a sandbox that is warm as well", async () => {
    const here = await newBench();
    await here.write("app.py", "TOKEN = None\n");
    await here.runLine("true");
    await here.write("app.py", `TOKEN = "${TOKEN}"\n`);

    const { run } = await here.runLine("true");

    expect(findingsOf(run)).toMatchObject([{ path: "app.py" }]);
    expect(await findFilesWith(join(here.folder, "sandboxes"), TOKEN)).toEqual([]);
  });

  it("goes when whoever asks has looked already", async () => {
    const here = await newBench();
    await here.write("app.py", `TOKEN = "${TOKEN}"\n`);

    expect((await here.runLine("cat app.py", { allowedSecrets: "all" })).stdout).toContain(TOKEN);
  });

  it("is taken out of the sandbox again, and nothing is run, when it came into a file after the check", async () => {
    const here = await newBench();
    await here.write("app.py", "TOKEN = None\n");
    await here.runLine("true");
    await here.write("app.py", "TOKEN = 12\n");
    here.provider.onStep = async (step) => {
      if (step === "apply") await writeFile(join(here.workspace, "app.py"), `TOKEN = "${TOKEN}"\n`);
    };

    const { run } = await here.runLine("touch ran");
    here.provider.onStep = async () => undefined;

    expect(run.error?.message).toContain("taken out of the sandbox again");
    expect(findingsOf(run)).toMatchObject([{ path: "app.py", line: 1 }]);
    expect(run.exit).toBeUndefined();
    expect(await findFilesWith(join(here.folder, "sandboxes"), TOKEN)).toEqual([]);
    await here.write("app.py", "TOKEN = 13\n");
    expect((await here.runLine("cat app.py")).stdout).toBe("TOKEN = 13\n");
  });
});

describe("the size guard", () => {
  it("blocks what is larger than the limit and names the folder that makes most of it", async () => {
    const here = await newBench();
    await here.write("data/raw/a.bin", "x".repeat(900_000));
    await here.write("data/raw/b.bin", "y".repeat(900_000));
    await here.write("src/app.py", "print()\n");

    const { run } = await here.runLine("true", { maxUploadMiB: 1 });

    expect(run.error?.code).toBe("blocked");
    expect(run.error?.message).toContain('"/data/raw/" in .sandboxignore');
    expect(run.blocked).toEqual({
      kind: "size",
      totalBytes: 1_800_008,
      limitBytes: 1024 ** 2,
      largest: [
        { path: "data/raw/", sizeBytes: 1_800_000 },
        { path: "src/app.py", sizeBytes: 8 },
      ],
    });
  });

  it("counts only what the sandbox does not hold already", async () => {
    const here = await newBench();
    await here.write("a.bin", "x".repeat(900_000));
    await here.runLine("true", { maxUploadMiB: 1 });
    await here.write("b.bin", "y".repeat(900_000));

    const { run } = await here.runLine("true", { maxUploadMiB: 1 });

    expect(run.error).toBeUndefined();
  });
});

describe("a preview", () => {
  it("says what would be sent, what stays and why, and what looks like a credential, and makes nothing", async () => {
    const here = await newBench();
    await here.write("app.py", `TOKEN = "${TOKEN}"\n`);
    await here.write("data.csv", "1,2\n");
    await here.write(".env", "A=1\n");

    const preview = await here.engine.previewUpload(toPreview(here));

    expect(preview.files.map(({ path, isSent }) => [path, isSent])).toEqual([
      ["app.py", true],
      ["data.csv", true],
    ]);
    expect(preview).toMatchObject({ sentCount: 2, findings: [{ path: "app.py", line: 1 }] });
    expect(preview.sentBytes).toBe(preview.totalBytes);
    expect(preview.skipped).toMatchObject([{ path: ".env", kind: "secret" }]);
    expect(await here.engine.listSessions()).toEqual([]);
    expect(here.provider.sandboxes.size).toBe(0);
  });

  it("counts from what the warm sandbox holds, for an engine that starts later too", async () => {
    const here = await newBench();
    await here.write("app.py", "1\n");
    await here.write("data.csv", "1,2\n");
    await here.runLine("true");
    await here.write("app.py", "22\n");
    const before = await here.engine.previewUpload(toPreview(here));
    await here.restart();

    const after = await here.engine.previewUpload(toPreview(here));

    expect(before).toMatchObject({ sentCount: 1, sentBytes: 3, totalBytes: 7 });
    expect(after).toMatchObject({ sentCount: 1, sentBytes: 3, totalBytes: 7 });
  });

  it("does not name what is allowed for good", async () => {
    const here = await newBench();
    await here.write("app.py", `TOKEN = "${TOKEN}"\n`);
    const { findings } = await here.engine.previewUpload(toPreview(here));
    await here.engine.allowSecrets(
      here.workspace,
      findings.map(({ fingerprint }) => fingerprint),
    );

    expect((await here.engine.previewUpload(toPreview(here))).findings).toEqual([]);
  });
});

it("refuses to allow what is no fingerprint", async () => {
  const here = await newBench();

  await expect(here.engine.allowSecrets(here.workspace, [TOKEN])).rejects.toMatchObject({ code: "invalid" });
});

it("looks through a content again when what it knew to be clean is lost", async () => {
  const here = await newBench();
  await here.write("app.py", "TOKEN = None\n");
  await here.runLine("true");
  await rm(join(here.state.cache, "clean-contents.bin"));
  await here.restart();
  await here.write("b.py", `TOKEN = "${TOKEN}"\n`);

  expect((await here.runLine("true")).run.error?.code).toBe("blocked");
});

function toPreview({ workspace }: EngineBench): Parameters<EngineBench["engine"]["previewUpload"]>[0] {
  return { workspaceRoot: workspace, target: DEFAULT_TARGET, overlays: [], maxFileMiB: 50 };
}

async function findFilesWith(folder: string, text: string): Promise<readonly string[]> {
  const found: string[] = [];
  const children = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const child of children) {
    if (!child.isFile()) continue;
    const file = join(child.parentPath, child.name);
    if ((await readFile(file)).includes(text)) found.push(file);
  }
  return found;
}

describe("a snapshot with a credential", () => {
  it("goes into no sandbox until that credential is allowed in its workspace", async () => {
    const here = await newBench();
    await here.write("app.py", `TOKEN = "${TOKEN}"\n`);
    const { id } = await here.engine.takeSnapshot({
      kind: "workspace",
      workspaceRoot: here.workspace,
      overlays: [],
      maxFileMiB: 50,
    });

    const restore = (): Promise<unknown> => here.engine.restoreSession(id, DEFAULT_TARGET);
    await expect(restore()).rejects.toMatchObject({ code: "blocked" });
    await expect(restore()).rejects.toThrow(/app\.py:1 \(GitHub token\).*sandpiper allow-secret [0-9a-f]{32}$/);
    expect(await here.engine.listSessions()).toEqual([]);
    const fingerprints = (await here.engine.findSecrets(id)).map(({ fingerprint }) => fingerprint);
    await here.engine.allowSecrets(here.workspace, fingerprints);

    await expect(restore()).resolves.toMatchObject({ state: "ready", restoredFrom: id });
  });

  it("is looked through again when what was allowed once is forked", async () => {
    const here = await newBench();
    await here.write("app.py", `TOKEN = "${TOKEN}"\n`);
    const { run } = await here.runLine("true", { allowedSecrets: "all" });

    await expect(here.engine.forkSession(run.sessionId ?? "")).rejects.toMatchObject({ code: "blocked" });
  });
});
