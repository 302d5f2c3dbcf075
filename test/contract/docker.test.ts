import { describe, expect, it } from "vitest";
import { BUSYBOX_IMAGE, TEST_IMAGE } from "../rig/docker/test-image.ts";
import {
  countContainers,
  docker,
  finish,
  newCall,
  newProvider,
  newSandbox,
  newSpec,
  sh,
  useTestDaemon,
} from "../rig/docker/harness.ts";

useTestDaemon();

describe("the life of a sandbox", () => {
  it("is listed with its name, labels and end, and can be connected to", async () => {
    const provider = newProvider();
    const sandbox = await newSandbox({ name: "listed", labels: { suite: "listed", session: "s-1" } });

    const found = [];
    for await (const summary of provider.list(newCall())) found.push(summary);
    const again = await provider.connect(sandbox.id, newCall());

    expect(found.find(({ id }) => id === sandbox.id)).toMatchObject({
      name: "listed",
      labels: { suite: "listed", session: "s-1" },
      running: true,
      expiresAt: sandbox.expiresAt,
    });
    expect(again.expiresAt).toEqual(sandbox.expiresAt);
    expect(await sh(again, "echo again")).toBe("again");
  });

  it.each([TEST_IMAGE, BUSYBOX_IMAGE])("has a user with a name and a home of its own in %s", async (image) => {
    const sandbox = await newSandbox({ image });

    expect(await sh(sandbox, "whoami; cd; pwd; touch here && rm here; umask")).toBe("sandbox\n/home/sandbox\n0022");
  });

  it("is nobody's who did not make it", async () => {
    const id = docker("run", "--detach", "--rm", "--entrypoint", "/bin/sh", BUSYBOX_IMAGE, "-c", "sleep 30");

    await expect(newProvider().connect(id, newCall())).rejects.toMatchObject({ code: "not-found" });

    docker("rm", "--force", id);
  });

  it("can be ended by several at once, and its command is told why", async () => {
    const sandbox = await newSandbox();
    const finished = finish(await sandbox.exec({ argv: ["sleep", "60"] }, newCall()));

    await Promise.all([sandbox.destroy(newCall()), sandbox.destroy(newCall()), sandbox.destroy(newCall())]);

    expect((await finished).exit).toEqual({ kind: "lost", reason: "The sandbox was destroyed." });
    await expect(sandbox.exec({ argv: ["true"] }, newCall())).rejects.toMatchObject({ code: "not-found" });
  });

  it("leaves nothing behind when its creation is aborted at any moment", async () => {
    for (const afterMs of [0, 20, 60, 100, 150, 250]) {
      const call = newCall(AbortSignal.timeout(afterMs));
      const created = newProvider().create(newSpec({ labels: { suite: "aborted" } }), call);
      const outcome = await created.then(
        (sandbox) => sandbox.destroy(newCall()),
        (error: unknown) => error,
      );
      if (outcome !== undefined) expect(outcome).toBe(call.signal.reason);
    }

    expect(countContainers("aborted")).toBe(0);
  });
});
