import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { bundleExtension } from "../../esbuild.mjs";
import { root } from "../../scripts/setup/paths.mjs";
import { buildPackage } from "../rig/check-package.ts";
import { whyUnmet } from "../rig/needs.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";
import { measureActivation } from "./activation.ts";
import type { Row, Section } from "./section.ts";

/** How large what users install is. */
export async function benchSizes(): Promise<Section> {
  const rows = await withPackage(async (vsix) => {
    const dist = join(root, "dist");
    const size = (name: string): number => statSync(join(dist, name)).size;
    const chunks = readdirSync(join(dist, "chunks")).map((name) => join("chunks", name));
    const sum = (names: readonly string[]): number => names.map(size).reduce((total, each) => total + each, 0);
    const engine = ["engine.js", "cli.js", "scan-worker.js", ...chunks.filter((name) => name.endsWith(".js"))];
    const { files, startBytes } = await bundleExtension();
    const extensionBytes = files.reduce((total, { code }) => total + Buffer.byteLength(code), 0);
    return [
      toRow("what the extension loads at its start, minified", startBytes, "90 KB"),
      toRow("what it loads when it is needed", extensionBytes - startBytes),
      toRow("engine, command line and their chunks", sum(engine)),
      toRow(".vsix", statSync(vsix).size, "5 MB"),
    ];
  });
  return { title: "Size", how: "Of what is shipped, as it lies on disk.", rows, notes: [] };
}

/** How long VS Code takes to load and activate the installed extension. */
export async function benchActivation(rounds: number): Promise<Section> {
  const how =
    'What VS Code itself reports under "Running Extensions" for the installed extension, loading included; one window each.';
  const reason = (await whyUnmet("browser")) ?? (await whyUnmet("vscode"));
  if (reason !== undefined) return { title: "Activation", how, rows: [], notes: [`Not measured: ${reason}.`] };
  const ours = await withPackage((vsix) => measureActivation(vsix, rounds));
  return {
    title: "Activation",
    how,
    rows: [{ what: "activation in VS Code", unit: "ms", ours, target: "30 ms" }],
    notes: [],
  };
}

function toRow(what: string, sizeBytes: number, target = ""): Row {
  return { what, unit: "KB", ours: [sizeBytes / 1024], target };
}

async function withPackage<T>(use: (vsix: string) => Promise<T>): Promise<T> {
  const folder = makeTempFolder();
  try {
    return await use(await buildPackage(folder));
  } finally {
    removeFolder(folder);
  }
}
