import { type ErrorCode, SandboxError } from "../../core/sandbox-error.ts";

const SIGN_IN = 'Sign in with the command "Sandbox: Sign In…", or set E2B_API_KEY for the command line.';
const RETRY = "Try again; https://status.e2b.dev tells of outages.";

type Explanation = readonly [ErrorCode, string];

const UNREACHABLE: Explanation = [
  "unavailable",
  `E2B can't be reached. Check the network (and a proxy or firewall in between). ${RETRY}`,
];
const FAILED: Explanation = ["unavailable", `E2B failed. ${RETRY}`];
const GONE: Explanation = ["not-found", "The sandbox is gone. Start a new session."];
const REFUSED: Explanation = [
  "invalid",
  "E2B refuses the request. Correct the target's options or the session's limits.",
];
const KEY_REFUSED: Explanation = ["auth", `E2B does not accept the key. ${SIGN_IN}`];
const TOO_MANY_CALLS: Explanation = [
  "quota",
  "E2B allows this account no more calls for now. Wait a minute and try again.",
];
const BUSY: Explanation = ["unavailable", `E2B has no room for that right now. Wait a little and try again. ${RETRY}`];
const NO_ANSWER: Explanation = ["unavailable", `E2B did not answer in time. ${RETRY}`];
const OLD_TEMPLATE: Explanation = [
  "invalid",
  "The template is too old for this. Build it anew, or choose another image.",
];

/** By `name`, which the SDK sets on each of its classes; bundlers change the names of constructors. */
const BY_NAME: Readonly<Record<string, Explanation>> = {
  AuthenticationError: KEY_REFUSED,
  RateLimitError: TOO_MANY_CALLS,
  ServiceBusyError: BUSY,
  SandboxNotFoundError: GONE,
  FileNotFoundError: ["not-found", "The sandbox has no such file, or is gone."],
  NotFoundError: ["not-found", "E2B has no such thing: it is gone, or belongs to another account."],
  InvalidArgumentError: REFUSED,
  NotEnoughSpaceError: [
    "quota",
    "The sandbox's disk is full. Remove files or take a template with more disk, then start a new session.",
  ],
  TemplateError: OLD_TEMPLATE,
  TimeoutError: NO_ANSWER,
};

const BY_STATUS: Readonly<Record<number, Explanation>> = {
  400: REFUSED,
  401: KEY_REFUSED,
  403: ["auth", "The E2B key may not do that. Sign in with one of the right team, or ask its owner for access."],
  404: ["not-found", "E2B has no such template or sandbox, or it belongs to another account. Choose another image."],
  409: ["conflict", `Something else is changing the sandbox right now. ${RETRY}`],
  429: TOO_MANY_CALLS,
  502: GONE,
  503: BUSY,
  504: NO_ANSWER,
  507: ["quota", "The sandbox's disk is full. Remove files, then start a new session."],
};

/** Numbers of Connect's codes, https://connectrpc.com/docs/protocol#error-codes, as its library's `ConnectError.code` has them. */
const BY_CODE: Readonly<Record<number, Explanation>> = {
  1: NO_ANSWER,
  3: ["invalid", "The sandbox refuses the command. Choose another image, or another folder to start in."],
  4: NO_ANSWER,
  5: ["not-found", "The sandbox has no such process, or is gone."],
  7: ["auth", `The sandbox does not let this key in. ${SIGN_IN}`],
  8: TOO_MANY_CALLS,
  14: GONE,
  16: ["auth", `The sandbox does not let this key in. ${SIGN_IN}`],
};

/**
 * Maps what the SDK throws: its own classes (by `name`, or `statusCode` where that is all that tells), its library's
 * `ConnectError` with a numeric `code`, and what `fetch` throws.
 * @param secrets never shown, wherever an answer repeats them
 */
export function toSandboxError(cause: unknown, secrets: readonly string[]): SandboxError {
  if (cause instanceof SandboxError) return cause;
  const said = readMessage(cause, secrets);
  const [code, message] = explain(cause, said);
  return new SandboxError(code, said === "" ? message : `${message} (E2B: ${said})`, toCause(cause, secrets));
}

/** Nobody has signed in. */
export function newSignedOutError(): SandboxError {
  return new SandboxError("auth", `You are not signed in to E2B. ${SIGN_IN}`);
}

/** What a sandbox that does not run is told as. */
export function newGoneError(): SandboxError {
  return new SandboxError(...GONE);
}

/** HTTP's, of an answer of the API; 0 when it is another error. */
export function readStatus(cause: unknown): number {
  const status = cause instanceof Error && "statusCode" in cause ? Number(cause.statusCode) : 0;
  return Number.isInteger(status) ? status : 0;
}

/** Whether it says that what was asked for is not there. */
export function isNotFound(cause: unknown): boolean {
  const name = nameOf(cause);
  return name === "SandboxNotFoundError" || name === "NotFoundError" || readStatus(cause) === 404;
}

/** Whether no answer came: the call may have been done all the same. */
export function isConnectionError(cause: unknown): boolean {
  if (!(cause instanceof Error) || readStatus(cause) > 0) return false;
  // The words of Node's `fetch`, and of the SDK for it.
  return /fetch failed|terminated|socket hang up|other side closed|ECONNRESET|ECONNREFUSED/.test(cause.message);
}

function explain(cause: unknown, said: string): Explanation {
  const name = nameOf(cause);
  if (name === "ConnectError") return explainConnect(cause);
  if (name === "RateLimitError" || readStatus(cause) === 429) return explainLimit(said);
  if (readStatus(cause) === 400) return explainRefusal(said);
  const known = BY_NAME[name] ?? BY_STATUS[readStatus(cause)];
  if (known) return known;
  if (readStatus(cause) > 0) return FAILED;
  return isConnectionError(cause) ? UNREACHABLE : FAILED;
}

function explainConnect(cause: unknown): Explanation {
  const code = cause instanceof Error && "code" in cause ? Number(cause.code) : 0;
  return BY_CODE[code] ?? (isConnectionError(cause) ? UNREACHABLE : FAILED);
}

/** The same status for two things that ask for different remedies; its words tell. */
function explainLimit(said: string): Explanation {
  if (!/concurrent|maximum number/i.test(said)) return TOO_MANY_CALLS;
  return [
    "quota",
    "The E2B account runs as many sandboxes as it may. Destroy or pause some, or take a larger plan at https://e2b.dev/dashboard.",
  ];
}

function explainRefusal(said: string): Explanation {
  if (/timeout cannot be greater/i.test(said))
    return [
      "invalid",
      "The session's lifetime is longer than the E2B account's plan allows (1 hour on Hobby, 24 hours on Pro). Set a shorter one.",
    ];
  return /re-?build|secured access/i.test(said) ? OLD_TEMPLATE : REFUSED;
}

function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : "";
}

/** The server's own words, short, without anything that opens doors. */
function readMessage(cause: unknown, secrets: readonly string[]): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return scrub(text, secrets).replaceAll(/\s+/g, " ").trim().slice(0, 500);
}

// Keys of E2B and JSON Web Tokens, whoever's they are.
const TOKENS = /\b(?:e2b|sk_e2b)_[A-Za-z0-9]{6,}|\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;

/** A text without the secrets in it, and without anything that looks like a key of E2B's. */
export function scrub(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) if (secret !== "") clean = clean.replaceAll(secret, "…");
  return clean.replaceAll(TOKENS, "…");
}

/** The original is kept for logs only when there is nothing in it to hide. */
function toCause(cause: unknown, secrets: readonly string[]): { cause?: unknown } {
  if (!(cause instanceof Error)) return {};
  const text = `${cause.message} ${cause.stack ?? ""}`;
  return scrub(text, secrets) === text ? { cause } : {};
}
