import { describe, expect, it } from "vitest";
import { spawnControlled } from "../../../../src/providers/local/spawn-run.ts";

const INPUT = { options: [], nonce: "nonce" };

describe.runIf(process.platform === "linux")("spawnControlled", () => {
  it("has started a command that is over at once, however many are started with it", async () => {
    const argv = ["/bin/sh", "-c", "read nonce <&3; echo started >&3"];

    const runs = await Promise.all(Array.from({ length: 40 }, () => spawnControlled(argv, INPUT)));

    expect(runs).toHaveLength(40);
    for (const run of runs) run.dispose();
  });

  it("tells what was said in place of started", async () => {
    const failing = spawnControlled(["/bin/sh", "-c", "read nonce <&3; echo no such thing >&2; exit 1"], INPUT);

    await expect(failing).rejects.toMatchObject({ code: "unavailable", message: /no such thing/ });
  });
});
