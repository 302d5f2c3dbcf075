import type { Image, Sandbox } from "modal";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type ModalEmulator, startModalEmulator } from "../emulators/modal/modal-emulator.ts";
import { type ConnectedSdk, connectSdk, run } from "../emulators/modal/sdk.ts";

const TREE = `
mkdir -p /data/bin /data/empty && cd /data
echo one >plain; printf '#!/bin/sh\\n' >bin/tool; chmod 750 bin/tool; chmod 700 empty
ln -s ../nowhere bin/link; ln plain hard; touch -d @1000000000 plain; chmod 1777 .
`;
const LOOK = `cd "$0" && find . -printf '%P %y %m %l\\n' | sort && stat -c %h plain && stat -c %Y plain && cat plain`;

let emulator: ModalEmulator;
let sdk: ConnectedSdk;

beforeAll(async () => {
  emulator = await startModalEmulator();
  sdk = await connectSdk(emulator);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

afterAll(async () => {
  sdk.modal.close();
  await emulator.close();
});

describe("a directory snapshot in the emulated Modal", () => {
  it("shows the same tree, with modes, links and times, wherever it is mounted", async () => {
    const { sandbox, image } = await newSnapshot();
    const other = await sdk.newSandbox();

    await other.mountImage("/elsewhere", await sdk.modal.images.fromId(image.imageId));

    const original = await look(sandbox, "/data");
    expect(original).toContain("bin/tool f 750 \n");
    expect(original).toContain("bin/link l 777 ../nowhere\n");
    expect(original).toContain("2\n1000000000\none\n");
    expect(await look(other, "/elsewhere")).toBe(original);
  });

  it("takes changes for each sandbox alone, and is itself not changed", async () => {
    const { image } = await newSnapshot();
    const [one, two] = [await sdk.newSandbox(), await sdk.newSandbox()];
    for (const sandbox of [one, two]) await sandbox.mountImage("/data", image);

    await run(one, ["sh", "-c", "cd /data && echo changed >plain && rm bin/tool && echo new >new"]);

    expect((await run(one, ["sh", "-c", "cd /data && cat plain new; ls bin"])).stdout).toBe("changed\nnew\nlink\n");
    expect((await run(two, ["sh", "-c", "cd /data && cat plain; ls . bin"])).stdout).toBe(
      "one\n.:\nbin\nempty\nhard\nplain\n\nbin:\nlink\ntool\n",
    );
  });

  it("saves what has been changed over a mounted one", async () => {
    const { image } = await newSnapshot();
    const [one, two] = [await sdk.newSandbox(), await sdk.newSandbox()];
    await one.mountImage("/data", image);
    await run(one, ["sh", "-c", "cd /data && rm -r bin hard && echo second >plain"]);

    const second = await one.snapshotDirectory("/data");
    await two.mountImage("/data", second);

    expect((await run(two, ["sh", "-c", "cd /data && ls && cat plain"])).stdout).toBe("empty\nplain\nsecond\n");
  });

  it("hides what was at its place, which comes back when it is unmounted", async () => {
    const { image } = await newSnapshot();
    const sandbox = await sdk.newSandbox();
    await run(sandbox, ["sh", "-c", "mkdir /data && echo mine >/data/mine"]);

    await sandbox.mountImage("/data", image);
    const during = (await run(sandbox, ["ls", "/data"])).stdout;
    await sandbox.unmountImage("/data");

    expect(during).toBe("bin\nempty\nhard\nplain\n");
    expect((await run(sandbox, ["ls", "/data"])).stdout).toBe("mine\n");
    await expect(sandbox.unmountImage("/data")).rejects.toThrow("Nothing is mounted");
  });

  it("is an empty folder when no image is named", async () => {
    const { sandbox } = await newSnapshot();

    await sandbox.mountImage("/data");

    expect((await run(sandbox, ["ls", "-A", "/data"])).stdout).toBe("");
  });

  it("is gone when its time is over, but not before, and not where it is mounted", async () => {
    const { sandbox, image } = await newSnapshot({ ttlMs: 60_000 });
    await sandbox.mountImage("/again", image);

    const now = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: now + 59_000 });
    await expect(sdk.modal.images.fromId(image.imageId)).resolves.toBeDefined();
    vi.setSystemTime(now + 61_000);

    await expect(sdk.modal.images.fromId(image.imageId)).rejects.toMatchObject({ name: "NotFoundError" });
    await expect(sandbox.mountImage("/late", image)).rejects.toThrow("Could not find image");
    expect((await run(sandbox, ["cat", "/again/plain"])).stdout).toBe("one\n");
  });

  it("can be deleted while it is mounted", async () => {
    const { sandbox, image } = await newSnapshot();
    await sandbox.mountImage("/again", image);

    await sdk.modal.images.delete(image.imageId);

    await expect(sdk.modal.images.fromId(image.imageId)).rejects.toMatchObject({ name: "NotFoundError" });
    expect((await run(sandbox, ["cat", "/again/plain"])).stdout).toBe("one\n");
  });

  it("follows no link out of the sandbox, and is refused for what is no folder", async () => {
    const sandbox = await sdk.newSandbox();
    await run(sandbox, ["sh", "-c", "mkdir /mine && echo inside >/mine/file && ln -s /mine /link"]);

    const image = await sandbox.snapshotDirectory("/link");
    await sandbox.mountImage("/copy", image);

    expect((await run(sandbox, ["cat", "/copy/file"])).stdout).toBe("inside\n");
    await expect(sandbox.snapshotDirectory("/mine/file")).rejects.toThrow("is not a directory");
  });
});

describe("a filesystem snapshot in the emulated Modal", () => {
  it("is where a new sandbox starts, without what was mounted", async () => {
    const { sandbox, image } = await newSnapshot();
    await sandbox.mountImage("/mounted", image);

    const saved = await sandbox.snapshotFilesystem();
    const next = await sdk.modal.sandboxes.create(sdk.app, saved);

    expect(await look(next, "/data")).toBe(await look(sandbox, "/data"));
    expect((await run(next, ["ls", "/mounted"])).stdout).toBe("");
  });

  it("is taken at the exit of a sandbox that was made for it", async () => {
    const sandbox = await sdk.newSandbox({ experimentalOptions: { enable_exit_snapshot: true } });
    await run(sandbox, ["sh", "-c", TREE]);
    await expect(sandbox.experimentalGetExitSnapshot({ timeoutMs: 0 })).rejects.toMatchObject({ name: "TimeoutError" });

    await emulator.expire(sandbox.sandboxId);
    const next = await sdk.modal.sandboxes.create(sdk.app, await sandbox.experimentalGetExitSnapshot());

    expect((await run(next, ["cat", "/data/plain"])).stdout).toBe("one\n");
    await expect(next.experimentalGetExitSnapshot()).rejects.toMatchObject({ name: "InvalidError" });
  });

  it("can be lost at the exit, which the SDK says at once", async () => {
    const sandbox = await sdk.newSandbox({ experimentalOptions: { enable_exit_snapshot: true } });
    emulator.faults.inject({ kind: "lose-exit-snapshot", method: "SandboxGetExitSnapshotV2" });

    await expect(sandbox.experimentalGetExitSnapshot()).rejects.toMatchObject({ name: "SnapshotCreationError" });
  });

  it("may be deleted as soon as a sandbox has been made from it", async () => {
    const { sandbox } = await newSnapshot();
    const saved = await sandbox.snapshotFilesystem();
    const next = await sdk.modal.sandboxes.create(sdk.app, saved);

    await sdk.modal.images.delete(saved.imageId);

    expect((await run(next, ["cat", "/data/plain"])).stdout).toBe("one\n");
    await expect(sdk.modal.sandboxes.create(sdk.app, saved)).rejects.toMatchObject({ code: 5 });
  });

  it.each([
    ["first", "0"],
    ["second", "1"],
  ])("of the memory ends a sandbox of the %s back end, and one like it starts from its files", async (_name, isV2) => {
    vi.stubEnv("MODAL_SANDBOX_V2", isV2);
    const own = await connectSdk(emulator);
    const sandbox = await own.newSandbox({ experimentalEnableSnapshot: true, tags: { of: "memory" } });
    await run(sandbox, ["sh", "-c", TREE]);

    const { snapshotId } = await sandbox.experimentalSnapshot();
    expect(await sandbox.poll()).toBe(137);
    const snapshot = await own.modal.sandboxSnapshots.fromId(snapshotId);
    const next = await own.modal.sandboxes.experimentalFromSnapshot(snapshot);

    expect((await run(next, ["cat", "/data/plain"])).stdout).toBe("one\n");
    expect(await next.getTags()).toEqual({ of: "memory" });
    own.modal.close();
  });
});

describe("an image's build in the emulated Modal", () => {
  it("carries out commands for real, and does not repeat them", async () => {
    const sandbox = await sdk.modal.sandboxes.create(sdk.app, newLayers());
    const again = await newLayers().build(sdk.app);

    const { stdout } = await run(sandbox, ["sh", "-c", "pwd; cat made; stat -c %a made; echo $OTHER $SECRET"]);
    expect(stdout).toBe("/srv/app\ngood day from /srv/app\n600\n1\n");
    expect(emulator.books.sandboxes.at(-1)?.imageId).toBe(again.imageId);
  });

  it("says what a command said that fails", async () => {
    const image = newBase().dockerfileCommands(["RUN echo 'no such package' >&2; exit 4"]);

    await expect(image.build(sdk.app)).rejects.toThrow(/ended with 4:\nno such package/);
  });

  it("fails as a registry would have it", async () => {
    emulator.faults.inject({ kind: "fail-build", method: "ImageGetOrCreate", exception: "manifest unknown" });

    await expect(sdk.modal.images.fromRegistry("no/such").build(sdk.app)).rejects.toThrow("manifest unknown");
  });
});

function newBase(): Image {
  return sdk.modal.images.fromRegistry("python:3.13");
}

/** Described anew each time. */
function newLayers(): Image {
  const made = 'RUN echo "$GREETING from $(pwd)" >made && \\\n chmod 600 made';
  return newBase()
    .dockerfileCommands(["ENV GREETING='good day' OTHER=1", "WORKDIR /srv/app"])
    .dockerfileCommands([made], { env: { SECRET: "x" } });
}

async function newSnapshot(params: { ttlMs?: number } = {}): Promise<{ sandbox: Sandbox; image: Image }> {
  const sandbox = await sdk.newSandbox();
  expect((await run(sandbox, ["sh", "-c", TREE])).stderr).toBe("");
  return { sandbox, image: await sandbox.snapshotDirectory("/data", params) };
}

async function look(sandbox: Sandbox, folder: string): Promise<string> {
  return (await run(sandbox, ["sh", "-c", LOOK, folder])).stdout;
}
