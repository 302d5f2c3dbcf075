import { describe, expect, it } from "vitest";
import { spawnControlled } from "../../../../src/providers/local/spawn-run.ts";

const INPUT = { options: [], nonce: "nonce" };

describe.runIf(process.platform === "linux")("spawnControlled", () => {
  it("has started a command that is over at once, however many others come and go meanwhile", async () => {
    const argv = ["/bin/sh", "-c", "read nonce <&3; echo started >&3"];
    const startMany = async (): Promise<void> => {
      for (let round = 0; round < 15; round++) (await spawnControlled(argv, INPUT)).dispose();
    };

    await expect(Promise.all(Array.from({ length: 8 }, startMany))).resolves.toHaveLength(8);
  });

  it("tells what was said in place of started", async () => {
    const failing = spawnControlled(["/bin/sh", "-c", "read nonce <&3; echo no such thing >&2; exit 1"], INPUT);

    await expect(failing).rejects.toMatchObject({ code: "unavailable", message: /no such thing/ });
  });
});
