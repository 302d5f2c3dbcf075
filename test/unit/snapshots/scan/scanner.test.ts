import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import { createScanner, type Scanner, type ScanRequest } from "../../../../src/snapshots/scan/scanner.ts";
import { toTreeHash } from "../../../../src/snapshots/tree-hash.ts";
import { makeFolder, plant } from "../temp-folder.ts";

const workerUrl = new URL("../../../../src/snapshots/scan/scan-worker.ts", import.meta.url);
const scanners: Scanner[] = [];

afterEach(async () => {
  for (const scanner of scanners.splice(0)) await scanner.dispose();
});

function start(url = workerUrl): Scanner {
  const scanner = createScanner(url);
  scanners.push(scanner);
  return scanner;
}

function requestFor(root: string): ScanRequest {
  return { root, cacheFile: join(makeFolder(), "cache"), overlays: [], maxFileBytes: 1024 ** 2 };
}

const never = new AbortController().signal;

describe("the scanner", () => {
  it("scans in its thread, one request after the other", async () => {
    const scanner = start();
    const roots = [makeFolder({ a: "1" }), makeFolder({ b: "22" }), makeFolder({ ".env": "" })];

    const scans = await Promise.all(roots.map((root) => scanner.scan(requestFor(root), never)));

    expect(scans.map(({ manifest }) => [...manifest.keys()])).toEqual([["a"], ["b"], []]);
    expect(scans[2]?.skipped).toMatchObject([{ path: ".env", kind: "secret" }]);
  });

  it("gives the same manifest as long as nothing changes, and a new one then", async () => {
    const scanner = start();
    const root = makeFolder({ a: "1", b: "2" });
    const request = requestFor(root);

    const first = await scanner.scan(request, never);
    const second = await scanner.scan(request, never);
    plant(root, { a: "changed" });
    const third = await scanner.scan(request, never);
    const fourth = await scanner.scan({ ...request, overlays: [{ path: "a", text: "1" }] }, never);

    expect(second.manifest).toBe(first.manifest);
    expect([...third.manifest.keys()]).toEqual(["a", "b"]);
    expect(third.manifest.get("a")).toMatchObject({ sizeBytes: 7 });
    expect(fourth.manifest.get("a")).toEqual(first.manifest.get("a"));
    for (const { manifest, treeHash } of [first, second, third, fourth])
      expect(treeHash).toBe(toTreeHash(new Map(manifest)));
    expect(new Set([first, third, fourth].map(({ treeHash }) => treeHash)).size).toBe(2);
  });

  it("passes the error of a scan on, and goes on", async () => {
    const scanner = start();
    const root = makeFolder({ a: "" });

    await expect(scanner.scan(requestFor(join(root, "gone")), never)).rejects.toMatchObject({
      name: "SandboxError",
      code: "unavailable",
    });

    expect((await scanner.scan(requestFor(root), never)).manifest.size).toBe(1);
  });

  it.each([new Error("the user changed their mind"), new SandboxError("invalid", "there is no such image")])(
    "stops a scan when it is aborted (%s), and the next one gets its own answer",
    async (reason) => {
      const scanner = start();
      const controller = new AbortController();

      const scan = scanner.scan(requestFor(makeFolder({ stale: "" })), controller.signal);
      setImmediate(() => controller.abort(reason));

      await expect(scan).rejects.toBe(reason);
      const next = await scanner.scan(requestFor(makeFolder({ fresh: "" })), never);
      expect([...next.manifest.keys()]).toEqual(["fresh"]);
    },
  );

  it("does not start what was aborted before its turn", async () => {
    const scanner = start();
    const controller = new AbortController();
    const first = scanner.scan(requestFor(makeFolder()), never);
    const second = scanner.scan(requestFor(makeFolder()), controller.signal);

    controller.abort();

    await expect(second).rejects.toMatchObject({ name: "AbortError" });
    await first;
  });

  it("starts another thread when the last one has ended in the meantime", async () => {
    const scanner = start(new URL("dying-worker.ts", import.meta.url));
    const request = requestFor(makeFolder());

    const first = await scanner.scan(request, never);
    // Its end is told of some time after its answer.
    const second = await vi.waitFor(async () => {
      const scan = await scanner.scan(request, never).catch(() => undefined);
      expect(scan?.notes).toBeDefined();
      return scan;
    });

    expect(second?.notes).not.toEqual(first.notes);
  });

  it("reports a thread that dies as an error that can be acted on, and starts another", async () => {
    const scanner = start(new URL("no-such-worker.ts", import.meta.url));

    await expect(scanner.scan(requestFor(makeFolder()), never)).rejects.toMatchObject({
      name: "SandboxError",
      code: "unavailable",
    });
    await expect(scanner.scan(requestFor(makeFolder()), never)).rejects.toMatchObject({ code: "unavailable" });
  });
});
