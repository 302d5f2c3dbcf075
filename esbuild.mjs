// Bundles the extension (CommonJS, for VS Code) and the engine with the CLI (ES modules); both load what they don't always
// need as chunks. Fails when what the extension loads at its start grows over its budget.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { toThirdPartyNotices } from "./scripts/third-party-notices.mjs";

const START_BUDGET_BYTES = 90 * 1024;

// CommonJS packages inside an ES module bundle ask for these.
const commonJsNames = [
  'import { createRequire as __createRequire } from "node:module";',
  'import { dirname as __pathDirname } from "node:path";',
  'import { fileURLToPath as __toPath } from "node:url";',
  "const require = __createRequire(import.meta.url);",
  "const __filename = __toPath(import.meta.url);",
  "const __dirname = __pathDirname(__filename);",
].join("\n");

/**
 * What dockerode loads for ssh:// (we go through the user's own ssh) and for BuildKit builds (we build nothing): half of
 * the chunk.
 * @type {import("esbuild").Plugin}
 */
const leaveOutOfDocker = {
  name: "leave-out-of-docker",
  setup(build) {
    build.onResolve({ filter: /^(ssh2|@grpc\/grpc-js|@grpc\/proto-loader)$/ }, ({ path, importer }) =>
      /node_modules\/(dockerode|docker-modem)\//.test(importer) ? { path, namespace: "left-out" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "module.exports = {};" }));
  },
};

/**
 * What Daytona's SDK loads for telemetry (of which we send none) and for images that are built of local files (the workspace
 * is brought later): two thirds of the chunk.
 * @type {import("esbuild").Plugin}
 */
const leaveOutOfDaytona = {
  name: "leave-out-of-daytona",
  setup(build) {
    build.onResolve({ filter: /^@(aws-sdk|opentelemetry)\// }, ({ path, importer }) =>
      path !== "@opentelemetry/api" && /node_modules\/@daytona\//.test(importer)
        ? { path, namespace: "left-out" }
        : undefined,
    );
  },
};

/**
 * Options for what runs in Node by itself.
 * @type {import("esbuild").BuildOptions}
 */
export const nodeOptions = {
  bundle: true,
  platform: "node",
  target: "node22",
  format: "esm",
  splitting: true,
  minify: true,
  keepNames: true,
  legalComments: "none",
  external: ["cpu-features", "*.node"],
  // Its entry for ES modules asks for what it uploads with at run time, which a bundle can't answer.
  alias: { "@daytona/sdk": fileURLToPath(new URL("node_modules/@daytona/sdk/cjs/index.js", import.meta.url)) },
  plugins: [leaveOutOfDocker, leaveOutOfDaytona],
  chunkNames: "chunks/[name]-[hash]",
  banner: { js: commonJsNames },
  logLevel: "warning",
  metafile: true,
};

async function buildAll() {
  rmSync("dist", { recursive: true, force: true });
  const { files, startBytes, metafile } = await bundleExtension();
  for (const { path, code } of files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, code);
  }
  const result = await build({
    ...nodeOptions,
    entryPoints: {
      cli: "src/cli.ts",
      engine: "src/engine.ts",
      "scan-worker": "src/snapshots/scan/scan-worker.ts",
      "secret-worker": "src/snapshots/secrets/secret-worker.ts",
      "seatbelt-runner": "src/providers/local/seatbelt-runner.ts",
    },
    outdir: "dist",
  });
  await bundleWebViews();
  writeFileSync(
    "dist/third-party-notices.txt",
    toThirdPartyNotices([metafile, result.metafile ?? { inputs: {}, outputs: {} }]),
  );
  const restBytes = Object.values(result.metafile?.outputs ?? {}).reduce((sum, output) => sum + output.bytes, 0);
  console.log(
    `extension's start ${toKb(startBytes)} (budget ${toKb(START_BUDGET_BYTES)}), engine, CLI and chunks ${toKb(restBytes)}`,
  );
  if (startBytes > START_BUDGET_BYTES)
    throw new Error("What the extension loads at its start is over its budget: load it lazily or do without.");
}

/**
 * dist/extension.cjs and its chunks. esbuild splits only ES modules, so that each is converted after the split: then both
 * sides of a lazy import share one instance of what they share.
 * @returns the files, and the bytes of the entry with all that it loads at once
 */
export async function bundleExtension() {
  const sourcemap = process.argv.includes("--sourcemap") ? "inline" : false;
  const { outputFiles, metafile } = await build({
    entryPoints: { extension: "src/extension.ts" },
    outdir: "dist",
    outExtension: { ".js": ".cjs" },
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    platform: "node",
    target: "node22",
    format: "esm",
    splitting: true,
    minify: true,
    keepNames: true,
    legalComments: "none",
    sourcemap,
    external: ["vscode"],
    logLevel: "warning",
    metafile: true,
    write: false,
  });
  const files = [];
  for (const { path, text } of outputFiles) {
    const { code } = await transform(text, {
      format: "cjs",
      platform: "node",
      target: "node22",
      minify: true,
      sourcemap,
      // VS Code's loader knows require() best: it is what hands out the module vscode.
      supported: { "dynamic-import": false },
    });
    files.push({ path: relative(process.cwd(), path), code });
  }
  const sizes = new Map(files.map(({ path, code }) => [path, Buffer.byteLength(code)]));
  return { files, metafile, startBytes: sumStart("dist/extension.cjs", metafile.outputs, sizes) };
}

/** What runs in web views: a script and a style each, which load nothing themselves. */
async function bundleWebViews() {
  await build({
    entryPoints: [
      "src/ui/batch/webview/batch-table.ts",
      "src/ui/batch/webview/batch-table.css",
      "src/ui/cells/webview/cell-results.ts",
      "src/ui/cells/webview/cell-results.css",
    ],
    outdir: "dist/webview",
    entryNames: "[name]",
    bundle: true,
    platform: "browser",
    target: "chrome130",
    format: "iife",
    minify: true,
    legalComments: "none",
    logLevel: "warning",
  });
}

/**
 * The bytes of an output and of what it imports at once.
 * @param {string} entry
 * @param {import("esbuild").Metafile["outputs"]} outputs
 * @param {ReadonlyMap<string, number>} sizes
 */
function sumStart(entry, outputs, sizes) {
  const loaded = new Set([entry]);
  for (const path of loaded) {
    const imports = outputs[path]?.imports ?? [];
    for (const each of imports) if (each.kind === "import-statement" && !each.external) loaded.add(each.path);
  }
  return [...loaded].reduce((sum, path) => sum + (sizes.get(path) ?? 0), 0);
}

/** @param {number} bytes */
function toKb(bytes) {
  return `${(bytes / 1024).toFixed(1)} KB`;
}

if (import.meta.url === `file://${process.argv[1]}`) await buildAll();
