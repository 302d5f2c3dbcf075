import { toDisplay } from "../core/workspace-path.ts";
import type { BlockedUpload } from "../sessions/records.ts";
import type { UploadPreview } from "../sessions/snapshot-records.ts";
import type { SecretFinding } from "../snapshots/secrets/secret-finding.ts";
import { describeFiles, describeSize } from "../sessions/describe-size.ts";

// More than that are told of by their number.
const MAX_LINES = 20;

/** Why nothing was sent, and every way to go on; a line each. */
export function describeBlocked(blocked: BlockedUpload): readonly string[] {
  return blocked.kind === "secrets" ? describeSecrets(blocked.findings) : describeTooMuch(blocked);
}

function describeSecrets(findings: readonly SecretFinding[]): readonly string[] {
  const fingerprints = [...new Set(findings.map(({ fingerprint }) => fingerprint))];
  const path = toDisplay(findings[0]?.path ?? "");
  return [
    ...limit(findings.map(describeFinding)),
    "Go on in one of these ways:",
    `  this once      sandpiper run ${fingerprints.length > 3 ? "--allow-secrets" : fingerprints.map((one) => `--allow-secret ${one}`).join(" ")} …`,
    `  for good       sandpiper allow-secret ${fingerprints.slice(0, 3).join(" ")}${fingerprints.length > 3 ? " …" : ""}`,
    `  leave it out   a line in .sandboxignore, such as /${path}`,
  ];
}

/** "src/config.py:3  GitHub token ghp_…(40)  fingerprint 1a2b3c". */
function describeFinding({ path, line, kind, hint, fingerprint }: SecretFinding): string {
  return `  ${toDisplay(path)}:${line}  ${kind} ${toDisplay(hint)}  fingerprint ${fingerprint}`;
}

function describeTooMuch({ limitBytes, largest }: Extract<BlockedUpload, { kind: "size" }>): readonly string[] {
  const first = toDisplay(largest[0]?.path ?? "");
  return [
    `The limit is ${describeSize(limitBytes)}. What takes most:`,
    ...largest.map(({ path, sizeBytes }) => `  ${describeSize(sizeBytes).padStart(9)}  ${toDisplay(path)}`),
    "Go on in one of these ways:",
    "  send it        sandpiper run --max-upload 2G …",
    `  leave it out   a line in .sandboxignore, such as /${first}`,
  ];
}

/** What a push would send, hold back and stumble over; a line each. */
export function describePreview(preview: UploadPreview): readonly string[] {
  const { files, totalBytes, sentCount, sentBytes, skipped, findings } = preview;
  const sent = files.filter(({ isSent }) => isSent);
  return [
    `${describeFiles(files.length)}, ${describeSize(totalBytes)}; to be sent: ${describeFiles(sentCount)}, ${describeSize(sentBytes)}`,
    ...limit(sent.map(({ path, sizeBytes }) => `  ${describeSize(sizeBytes).padStart(9)}  ${toDisplay(path)}`)),
    ...(skipped.length > 0 ? ["Not sent:"] : []),
    ...limit(skipped.map(({ path, reason }) => `  ${toDisplay(path)}: ${reason}`)),
    ...(findings.length > 0 ? ["Looks like credentials, and blocks the run until it is decided:"] : []),
    ...findings.map(describeFinding),
  ];
}

function limit(lines: readonly string[]): readonly string[] {
  if (lines.length <= MAX_LINES) return lines;
  return [...lines.slice(0, MAX_LINES), `  … and ${lines.length - MAX_LINES} more; --json has them all`];
}
