import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import type { loadProvider } from "../../src/providers/registry.ts";
import { nodeOptions } from "../../esbuild.mjs";

/** The providers as they are shipped: bundled, minified, with no package to be found from where they are. */
export interface BundledProviders {
  readonly loadProvider: typeof loadProvider;
  /** Whether a package can be resolved from the bundle's folder, as a proof that it can't. */
  canResolve(name: string): boolean;
  remove(): void;
}

export async function bundleProviders(): Promise<BundledProviders> {
  const folder = mkdtempSync(join(tmpdir(), "sandpiper-bundle-"));
  await build({ ...nodeOptions, entryPoints: { registry: "src/providers/registry.ts" }, outdir: folder });
  const file = join(folder, "registry.js");
  const require = createRequire(file);
  // Not `import`: the test runner would transform it, and resolve packages from where the tests are.
  const bundled = requireRegistry(require, file);
  return {
    loadProvider: bundled.loadProvider,
    canResolve: (name) => {
      try {
        require.resolve(name);
        return true;
      } catch {
        return false;
      }
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function requireRegistry(require: NodeJS.Require, file: string): Pick<BundledProviders, "loadProvider"> {
  return require(file);
}
