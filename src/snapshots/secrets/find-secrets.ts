import { createHmac } from "node:crypto";
import { findAssignedSecrets, isPlaceholder } from "./secret-entropy.ts";
import type { SecretFinding } from "./secret-finding.ts";
import { findByLibrary, LIBRARY_MARKERS, LIBRARY_VERSION } from "./secret-library.ts";
import { findKnownShapes, SECRET_RULES, type SecretSpan } from "./secret-rules.ts";

/** A finding in a content, wherever that is. */
export type SecretMatch = Omit<SecretFinding, "path">;

/** Names the rules: verdicts by others have to be found anew. To be raised with every change of our own. */
export const RULE_SET = `secretlint ${LIBRARY_VERSION}, own 1`;

/** How much of a file is looked at: its beginning. */
export const MAX_SCANNED_BYTES = 1024 * 1024;

const SNIFFED_BYTES = 8192;
const MAX_MATCHES = 100;
const LIBRARY = new RegExp(LIBRARY_MARKERS.join("|"));
const OWN = new RegExp(SECRET_RULES.map(({ marker }) => marker).join("|"));

/** Names that are reached from this machine alone, and those that RFC 2606 keeps for examples. */
const HARMLESS_HOST =
  /@(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0|(?:[\w-]+\.)*example(?:\.(?:com|org|net))?|(?:[\w-]+\.)+(?:test|invalid))(?![\w.-])/i;

/** What manuals and tests say when they mean a password. */
const WORN_PASSWORD =
  /^(?:.*:)?(?:pass(?:word|wd)?|secret|pwd|admin|root|guest|test(?:ing)?|hunter2?|foo|bar|1234?5?6?)(?:@.*)?$/i;

/**
 * Credentials in the first {@link MAX_SCANNED_BYTES} of a content, in order. Binary files have none.
 * @param key makes fingerprints that nobody else can compare with
 */
export async function findSecrets(content: Uint8Array, key: string): Promise<readonly SecretMatch[]> {
  const text = toText(content.subarray(0, MAX_SCANNED_BYTES));
  if (text === undefined) return [];
  const spans: SecretSpan[] = [];
  if (LIBRARY.test(text)) spans.push(...(await findByLibrary(text)));
  if (OWN.test(text)) spans.push(...findKnownShapes(text));
  spans.push(...findAssignedSecrets(text));
  return toMatches(
    text,
    spans.filter((span) => isReal(text, span)),
    key,
  );
}

/** Git's notion of binary, a NUL near the beginning; but Windows' own text files are in UTF-16. */
function toText(content: Uint8Array): string | undefined {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString("utf16le");
  return bytes.subarray(0, SNIFFED_BYTES).includes(0) ? undefined : bytes.toString("utf8");
}

function isReal(text: string, { credential, index, kind }: SecretSpan): boolean {
  if (kind === "private key") return true;
  if (isPlaceholder(credential)) return false;
  if (kind === "password in a URL" && WORN_PASSWORD.test(credential)) return false;
  const end = index + credential.length;
  return kind !== "password in a URL" || !HARMLESS_HOST.test(text.slice(index, end + 100).split(/[\s"'`]/, 1)[0] ?? "");
}

function toMatches(text: string, spans: readonly SecretSpan[], key: string): readonly SecretMatch[] {
  const found: SecretMatch[] = [];
  let line = 1;
  let at = 0;
  let end = 0;
  // What two rules find counts once: the earlier, the longer.
  const sorted = [...spans].sort((a, b) => a.index - b.index || b.credential.length - a.credential.length);
  for (const { kind, credential, index } of sorted) {
    if (index < end || found.length === MAX_MATCHES) continue;
    for (let next = text.indexOf("\n", at); next >= 0 && next < index; next = text.indexOf("\n", next + 1)) {
      line++;
      at = next + 1;
    }
    end = index + credential.length;
    found.push({ line, kind, hint: toHint(credential), fingerprint: toFingerprint(credential, key) });
  }
  return found;
}

function toHint(credential: string): string {
  return `${credential.slice(0, 4)}…(${credential.length})`;
}

function toFingerprint(credential: string, key: string): string {
  return createHmac("sha256", key).update(credential).digest("hex").slice(0, 32);
}
