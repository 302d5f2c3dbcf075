import { type Call, toCleanupCall } from "../../core/call.ts";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import type { Sandbox, SavedState } from "../../core/sandbox.ts";
import { drain } from "../run-output.ts";
import { toMarker } from "./marker.ts";

// $1 is the marker. Those of earlier attempts go: what is saved has one alone. The file system's clock ticks every few ms:
// what changes from here on must bear a later time.
const MARK = `
rm -f -- ./.sandpiper-saved-* && : >"./$1" || exit 1
tries=0
while : >"./$1-probe" && [ ! "./$1-probe" -nt "./$1" ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt 2000 ]; then sleep 1; fi
  if [ "$tries" -gt 2002 ]; then break; fi
done
rm -f -- "./$1-probe"
`;

// Fails when something is newer than the marker. GNU's find tells of names and modes as well, POSIX' of contents alone.
const UNMARK = `
changed=$( { find . ! -path . ! -path "./$1" -cnewer "./$1" 2>/dev/null ||
  find . ! -path . ! -path "./$1" -newer "./$1"; } | head -n 1)
rm -f -- "./$1" || exit 1
[ -z "$changed" ]
`;

/**
 * Has the provider keep the workspace as it is, with a marker in it that tells it from others. Call it under the session's
 * lock, while no run uses it.
 * @param id of the record that it gets
 * @throws {SandboxError} `conflict` when something changed files meanwhile, although no run goes on
 */
export async function saveWorkspace(
  sandbox: Sandbox,
  { id, ttlMs }: { readonly id: string; readonly ttlMs: number },
  call: Call,
): Promise<SavedState> {
  if (!sandbox.directorySnapshots) throw new SandboxError("unsupported", "This provider keeps no workspaces.");
  const marker = toMarker(id);
  if (!(await succeeds(sandbox, MARK, marker, call)))
    throw new SandboxError("unavailable", "The workspace in the sandbox cannot be written to.");
  let saved: SavedState;
  try {
    saved = await sandbox.directorySnapshots.save(ttlMs, call);
  } catch (error) {
    await succeeds(sandbox, UNMARK, marker, toCleanupCall(call)).catch((cause: unknown) =>
      call.logger.debug(`A marker stays in the workspace of a sandbox: ${toMessage(cause)}`),
    );
    throw error;
  }
  if (await succeeds(sandbox, UNMARK, marker, call)) return saved;
  throw new ChangedMeanwhile(saved.id);
}

/** What was saved is not what was meant to be. */
export class ChangedMeanwhile extends SandboxError {
  /** What the provider keeps all the same. */
  readonly savedId: string;

  constructor(savedId: string) {
    super("conflict", "Files changed while they were being saved, although no run goes on.");
    this.savedId = savedId;
  }
}

async function succeeds(sandbox: Sandbox, script: string, marker: string, call: Call): Promise<boolean> {
  // Not by `apply`: that makes the sandbox forget which files were touched.
  const process = await sandbox.exec({ argv: ["/bin/sh", "-c", script, "sandpiper", marker] }, call);
  const [exit] = await Promise.all([process.exit, drain(process.stdout), drain(process.stderr)]);
  return exit.kind === "exited" && exit.code === 0;
}
