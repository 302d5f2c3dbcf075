import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toThirdPartyNotices } from "../../scripts/third-party-notices.mjs";

describe("third-party notices", () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "notices-"));
  });

  afterEach(() => rm(root, { recursive: true }));

  async function addPackage(
    name: string,
    license: unknown,
    files: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const folder = join(root, "node_modules", name);
    await mkdir(folder, { recursive: true });
    await writeFile(
      join(folder, "package.json"),
      JSON.stringify({ name, version: "1.2.3", license, homepage: "home.example" }),
    );
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
    return join(folder, "index.js");
  }

  it("has the licence and the notice of each package that gave the build a byte", async () => {
    const used = await addPackage("@scope/used", "MIT", { "LICENSE.md": "Do as you like.", NOTICE: "By somebody." });
    const other = await addPackage("other", { type: "ISC" });
    const unused = await addPackage("unused", "MIT", { LICENSE: "Nobody's." });

    const text = toThirdPartyNotices([
      toMetafile({ [used]: 10, "src/own.ts": 5 }),
      toMetafile({ [other]: 1, [unused]: 0 }),
    ]);

    expect(text).toContain("@scope/used 1.2.3 (MIT)\n\nDo as you like.\n\nBy somebody.");
    expect(text).toContain("other 1.2.3 (ISC)\n\nSee home.example");
    expect(text).not.toContain("unused");
  });

  it("names a package once, however many of its files there are", async () => {
    const index = await addPackage("twice", "MIT");

    const text = toThirdPartyNotices([toMetafile({ [index]: 1, [index.replace("index", "more")]: 1 })]);

    expect(text.split("twice 1.2.3")).toHaveLength(2);
  });

  it.each(["(Apache-2.0 AND BSD-3-Clause)", "(MIT OR GPL-3.0-only)"])("takes a package under %s", async (license) => {
    const index = await addPackage("open", license);

    expect(toThirdPartyNotices([toMetafile({ [index]: 1 })])).toContain(`open 1.2.3 (${license})`);
  });

  it.each(["GPL-3.0-only", "(MIT AND GPL-3.0-only)", undefined, "UNLICENSED"])(
    "refuses a package under the licence %s",
    async (license) => {
      const index = await addPackage("closed", license);

      expect(() => toThirdPartyNotices([toMetafile({ [index]: 1 })])).toThrow(/^closed 1\.2\.3 is under the licence/);
    },
  );

  it("takes one permissive licence out of a choice", async () => {
    const index = await addPackage("choice", "(GPL-2.0-only OR MIT)");

    expect(toThirdPartyNotices([toMetafile({ [index]: 1 })])).toContain("choice 1.2.3");
  });
});

function toMetafile(bytes: Readonly<Record<string, number>>): Metafile {
  const inputs = Object.fromEntries(Object.entries(bytes).map(([path, bytesInOutput]) => [path, { bytesInOutput }]));
  return { inputs: {}, outputs: { "out.js": { bytes: 1, inputs, imports: [], exports: [] } } };
}
