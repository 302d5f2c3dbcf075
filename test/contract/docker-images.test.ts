import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Registry, startRegistry } from "../emulators/registry/registry.ts";
import { makeNewImage } from "../emulators/registry/saved-image.ts";
import { importFiles } from "../rig/docker/images.ts";
import { BUSYBOX_IMAGE } from "../rig/docker/test-image.ts";
import {
  countContainers,
  destroyAll,
  docker,
  newCall,
  newProvider,
  newSandbox,
  newSpec,
  sh,
  testDaemon,
  textWith,
  useTestDaemon,
} from "../rig/docker/harness.ts";

useTestDaemon();

describe("images", () => {
  let registry: Registry;

  beforeAll(async () => {
    registry = await startRegistry(await makeNewImage(testDaemon().socketPath, BUSYBOX_IMAGE, 4_000_000));
  });
  afterAll(() => registry.stop());

  it("are pulled with progress when the daemon lacks them, once", async () => {
    const image = `${registry.address}/slow/box`;
    const said: string[] = [];

    const sandbox = await newProvider().create(newSpec({ image }), newCall(), (message) => said.push(message));
    const sentOnce = registry.blobsSent;
    await newSandbox({ image });

    expect(said[0]).toBe(`Pulling ${image}`);
    expect(said.at(-1)).toBe(`Pulling ${image}, 100 %`);
    expect(said.length).toBeGreaterThan(5);
    expect(sentOnce).toBeGreaterThan(0);
    expect(registry.blobsSent).toBe(sentOnce);
    expect(await sh(sandbox, "wc -c </noise")).toBe("4000000");
    await sandbox.destroy(newCall());
    await destroyAll();
    docker("rmi", "--force", image);
  });

  it.each([
    ["box:gone", "not-found", "Check its name"],
    ["private/box", "auth", "docker login"],
    ["limited/box", "quota", "no more pulls"],
    ["foreign/box", "unsupported", "processor"],
  ])("that the registry does not give (%s) are a clear refusal", async (name, code, part) => {
    const created = newProvider().create(newSpec({ image: `${registry.address}/${name}` }), newCall());

    await expect(created).rejects.toMatchObject({ code, message: textWith(part) });
  });

  it("of a registry that can't be reached say so", async () => {
    const created = newProvider().create(newSpec({ image: "127.0.0.1:1/box" }), newCall());

    await expect(created).rejects.toMatchObject({
      code: "unavailable",
      message: textWith("can't reach the registry"),
    });
  });

  it("stop being pulled when the call is aborted", async () => {
    const abort = new AbortController();
    const reason = new Error("enough");
    const image = `${registry.address}/slow/other`;

    const created = newProvider().create(newSpec({ image }), newCall(abort.signal), (message) => {
      if (message.includes("%")) abort.abort(reason);
    });

    await expect(created).rejects.toBe(reason);
  });

  it("with a name that is none are refused", async () => {
    const created = newProvider().create(newSpec({ image: "UPPER/box" }), newCall());

    await expect(created).rejects.toMatchObject({ code: "invalid" });
  });

  it.each([
    ["without a shell", "no-shell", { "bin/nothing": "" }, "invalid"],
    ["for another processor", "other-processor", { "bin/sh": "no program for this machine" }, "unsupported"],
  ])("%s are refused, and nothing is left behind", async (_name, name, files, code) => {
    const image = await importFiles(testDaemon().socketPath, name, files);

    const created = newProvider().create(newSpec({ image, labels: { suite: name } }), newCall());

    await expect(created).rejects.toMatchObject({ code, message: textWith("Choose another image") });
    expect(countContainers(name)).toBe(0);
  });
});
