import type { SecretSpan } from "./secret-rules.ts";

const NAMES =
  "secret|token|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|auth[_-]?key|credential|private[_-]?key";
const TAIL = "[\\w.-]{0,40}";

/** `api_key: "…"`, in any language. */
const QUOTED = new RegExp(
  `(?<name>(?:${NAMES})${TAIL})["'\`]?\\]?[ \\t]{0,8}(?::=|=>|[:=])[ \\t]{0,8}(["'\`])(?<value>[A-Za-z0-9+/=_.~!@#$%^&*-]{20,200})\\2`,
  "gi",
);

/** `api_key = …` on a line of its own, as in settings files. */
const BARE = new RegExp(
  `^[ \\t]*(?:export[ \\t]+)?(?<name>[\\w.-]{0,40}(?:${NAMES})${TAIL})[ \\t]*[:=][ \\t]*(?<value>[A-Za-z0-9+/=_-]{20,200})[ \\t]*\\r?$`,
  "gim",
);

/** What such a name ends with when the value is no credential but tells of one. */
const ABOUT =
  /(?:url|uri|path|file|name|type|prefix|suffix|header|length|regexp?|pattern|format|selector|label|title|text|message|error|description|digest|hash|checksum|sha\d*|version|scope|endpoint|address|arn|public|id|ids|symbol|class|kind|count|field|param)s?$/i;

/** What comes before "token" when that only says where a list goes on. */
const CURSOR = /(?:continuation|next|page|cursor|sync|resume)[_-]?$/i;

const PLACEHOLDER =
  /example|placeholder|change.?me|your[_-]|dummy|sample|fake|redacted|insert|replace|invalid|not.?a.?real|foobar|todo|xxxx|\*\*\*|\.\.\.|\$\{|\{\{|<[a-z]/i;

const HEX = /^[0-9a-f]+$/i;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
// A random text of 32 has 4.3 bits per character with 64 characters to choose from, 3.6 with 16.
const MIN_BITS = 3.7;
const MIN_HEX_BITS = 3;

/** Assignments of random-looking texts to names that say "secret". */
export function* findAssignedSecrets(text: string): Iterable<SecretSpan> {
  for (const pattern of [QUOTED, BARE]) {
    for (const match of text.matchAll(pattern)) {
      const { name = "", value = "" } = match.groups ?? {};
      if (ABOUT.test(name) || CURSOR.test(text.slice(Math.max(0, match.index - 12), match.index)) || !isRandom(value))
        continue;
      yield { kind: "secret value", credential: value, index: match.index + match[0].lastIndexOf(value) };
    }
  }
}

/** Whether a text only stands for a credential: an example of a manual, a template's variable. */
export function isPlaceholder(credential: string): boolean {
  return PLACEHOLDER.test(credential) || /(.)\1{6}/.test(credential) || hasSequence(credential);
}

function isRandom(value: string): boolean {
  if (isPlaceholder(value) || UUID.test(value)) return false;
  if (HEX.test(value)) return value.length >= 32 && toBits(value) >= MIN_HEX_BITS;
  return /[0-9]/.test(value) && /[A-Za-z]/.test(value) && toBits(value) >= MIN_BITS && !isMadeOfWords(value);
}

// Names in programs are long runs of small letters; random texts hardly have any.
function isMadeOfWords(value: string): boolean {
  const words = value.match(/[A-Z]?[a-z]{3,}|[A-Z]{4,}/g) ?? [];
  const digits = value.match(/[0-9]/g)?.length ?? 0;
  const letters = words.reduce((sum, word) => sum + word.length, 0);
  return letters / value.length >= 0.5 && digits / value.length < 0.2;
}

/** Shannon entropy, in bits per character. */
function toBits(value: string): number {
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits;
}

// Eight characters that follow each other: "12345678", "abcdefgh".
function hasSequence(value: string): boolean {
  let length = 1;
  for (let at = 1; at < value.length; at++) {
    length = value.charCodeAt(at) === value.charCodeAt(at - 1) + 1 ? length + 1 : 1;
    if (length === 8) return true;
  }
  return false;
}
