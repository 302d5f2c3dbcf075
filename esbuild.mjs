// Bundles the extension (one CommonJS file, for VS Code) and the engine with the CLI (ES modules that share lazily loaded
// chunks, one per provider). Fails when the extension's entry grows over its budget.
import { rmSync, statSync } from "node:fs";
import { build } from "esbuild";

const ENTRY_BUDGET_BYTES = 150 * 1024;

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
  plugins: [leaveOutOfDocker],
  chunkNames: "chunks/[name]-[hash]",
  banner: { js: commonJsNames },
  logLevel: "warning",
  metafile: true,
};

async function buildAll() {
  rmSync("dist", { recursive: true, force: true });
  await build({
    entryPoints: { extension: "src/extension.ts" },
    outdir: "dist",
    outExtension: { ".js": ".cjs" },
    bundle: true,
    platform: "node",
    target: "node22",
    format: "cjs",
    minify: true,
    keepNames: true,
    legalComments: "none",
    sourcemap: process.argv.includes("--sourcemap"),
    external: ["vscode"],
    logLevel: "warning",
  });
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
  const entryBytes = statSync("dist/extension.cjs").size;
  const restBytes = Object.values(result.metafile?.outputs ?? {}).reduce((sum, output) => sum + output.bytes, 0);
  console.log(
    `dist/extension.cjs ${toKb(entryBytes)} (budget ${toKb(ENTRY_BUDGET_BYTES)}), engine, CLI and chunks ${toKb(restBytes)}`,
  );
  if (entryBytes > ENTRY_BUDGET_BYTES)
    throw new Error("The extension's entry is over its budget: load it lazily or do without.");
}

/** @param {number} bytes */
function toKb(bytes) {
  return `${(bytes / 1024).toFixed(1)} KB`;
}

if (import.meta.url === `file://${process.argv[1]}`) await buildAll();
