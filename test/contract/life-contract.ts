import { describe, expect, it } from "vitest";
import type { SandboxSpec } from "../../src/core/provider.ts";
import type { SandboxError } from "../../src/core/sandbox-error.ts";
import type { ContractSubject } from "./contract-subject.ts";
import { newCall, runToEnd, startText, toArray, waitForText } from "./run-to-end.ts";

/** How sandboxes come and go. */
export function testLife({ newProvider, spec }: ContractSubject): void {
  describe("life of a sandbox", () => {
    it("says that it could create one now", async () => {
      await newProvider().check(newCall());
    });

    it("rejects with the abort reason when the call is aborted before it starts", async () => {
      const reason = new Error("changed my mind");
      const call = { ...newCall(), signal: AbortSignal.abort(reason) };

      await expect(newProvider().create(spec, call)).rejects.toBe(reason);
      await expect(newProvider().connect("sp-0", call)).rejects.toBe(reason);
    });

    it.each(["sp-does-not-exist", "../../etc", ""])("reports the missing sandbox %j as not-found", async (id) => {
      const error = await newProvider()
        .connect(id, newCall())
        .catch((caught: unknown) => caught);

      expect(error).toMatchObject({ name: "SandboxError" });
      expect(error).toMatchObject({ code: "not-found" });
    });

    it("can be found by its labels and connected to from elsewhere until it is destroyed, twice", async () => {
      const labels = { "contract.test": `find-${Date.now()}` };
      const made = await newProvider().create({ ...spec, labels: { ...spec.labels, ...labels } }, newCall());
      const elsewhere = newProvider();

      const summaries = await toArray(elsewhere.list(newCall()));
      const connected = await elsewhere.connect(made.id, newCall());
      const said = await runToEnd(connected, ["echo", "hello"]);
      await connected.destroy(newCall());
      await connected.destroy(newCall());

      expect(summaries.find(({ id }) => id === made.id)).toMatchObject({ running: true, labels });
      expect(connected.workspace).toBe(made.workspace);
      expect(Math.abs(connected.expiresAt.getTime() - made.expiresAt.getTime())).toBeLessThan(2000);
      expect(said.stdout).toBe("hello\n");
      await expect(elsewhere.connect(made.id, newCall())).rejects.toMatchObject({ code: "not-found" });
      await expect(made.exec({ argv: ["true"] }, newCall())).rejects.toMatchObject({ code: "not-found" });
      const left = await toArray(elsewhere.list(newCall()));
      expect(left.map(({ id }) => id)).not.toContain(made.id);
      await made.destroy(newCall());
    });

    it("ends running commands as lost when it is destroyed", async () => {
      const made = await newProvider().create(spec, newCall());
      const running = await startText(made, ["sh", "-c", "echo ready; sleep 100"]);
      await waitForText(running, "ready");

      await made.destroy(newCall());

      expect((await running.process.exit).kind).toBe("lost");
    });

    it("ends running commands as lost when another connection destroys it", async () => {
      const made = await newProvider().create(spec, newCall());
      const running = await startText(made, ["sh", "-c", "echo ready; sleep 100"]);
      await waitForText(running, "ready");
      const elsewhere = await newProvider().connect(made.id, newCall());

      await elsewhere.destroy(newCall());

      expect((await running.process.exit).kind).toBe("lost");
    });

    it("ends by itself when its lifetime is over, with what runs in it", async () => {
      const made = await newProvider().create({ ...spec, lifetimeMs: 4000 }, newCall());
      const running = await startText(made, ["sh", "-c", "echo ready; sleep 100"]);
      await waitForText(running, "ready");

      const status = await running.process.exit;

      expect(status.kind).toBe("lost");
      expect(Date.now()).toBeGreaterThanOrEqual(made.expiresAt.getTime() - 1000);
      await expect
        .poll(
          () =>
            made.exec({ argv: ["true"] }, newCall()).then(
              () => "runs",
              (error: SandboxError) => error.code,
            ),
          { timeout: 5000 },
        )
        .toBe("not-found");
      await made.destroy(newCall());
    });
  });
}

/** Which specs are refused. */
export function testSpec({ newProvider, spec }: ContractSubject): void {
  const DAY_MS = 24 * 60 * 60 * 1000;
  it.each<[string, Partial<SandboxSpec>]>([
    ["a lifetime of 0", { lifetimeMs: 0 }],
    ["a lifetime over 24 hours", { lifetimeMs: DAY_MS + 1 }],
    ["no name", { name: "" }],
    ["a name with a slash", { name: "../x" }],
    ["no memory", { memoryMiB: 0 }],
    ["no processes", { maxProcesses: 0 }],
    ["a negative number of CPUs", { cpus: -1 }],
    ["an environment variable with = in its name", { env: { "A=B": "c" } }],
    ["a label that is no label", { labels: { "a b": "c" } }],
  ])("refuses a spec with %s as invalid", async (_what, change) => {
    const error = await newProvider()
      .create({ ...spec, ...change }, newCall())
      .catch((caught: unknown) => caught);

    expect(error).toMatchObject({ name: "SandboxError" });
    expect(error).toMatchObject({ code: "invalid" });
  });

  it("refuses a GPU that it does not have", async () => {
    const provider = newProvider();
    expect(await provider.gpuTiers(newCall())).not.toContainEqual(expect.objectContaining({ id: "no-such-gpu" }));

    // By its name: the class in a bundle is another one.
    await expect(provider.create({ ...spec, gpu: "no-such-gpu" }, newCall())).rejects.toMatchObject({
      name: "SandboxError",
    });
  });
}
