import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Host, spawnApart } from "../../src/providers/local/spawn-run.ts";

/** Windows with WSL, as a Linux machine can play it: what wsl.exe would start in the distribution is started here. */
export interface FakeWsl {
  readonly host: Host;
  /** Everything that was started, as Windows would see it. */
  readonly started: { argv: readonly string[]; env: Readonly<Record<string, string>> | undefined }[];
  /** Home of the distribution's user. */
  readonly home: string;
  remove(): void;
}

/** As wsl.exe does it: from "--exec" on, in a folder of Linux, with an environment of Linux and as a user who is not root. */
export function createFakeWsl(path = "/usr/local/bin:/usr/bin:/bin"): FakeWsl {
  const home = mkdtempSync(join(tmpdir(), "fake-wsl-"));
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(home, PLAIN_UID, PLAIN_UID);
  const asUser = isRoot ? ["/usr/bin/setpriv", `--reuid=${PLAIN_UID}`, `--regid=${PLAIN_UID}`, "--clear-groups"] : [];
  const started: FakeWsl["started"] = [];
  return {
    started,
    home,
    host: {
      uid: -1,
      spawn: (argv, pipes, options) => {
        started.push({ argv, env: options?.env });
        const inner = argv.slice(argv.indexOf("--exec") + 1);
        return spawnApart([...asUser, ...inner], pipes, { env: { HOME: home, PATH: path } });
      },
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

const PLAIN_UID = 61234;
