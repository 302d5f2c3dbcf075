import { type ErrorCode, SandboxError } from "../../core/sandbox-error.ts";

/** What a call was about; makes messages better. */
export interface ErrorContext {
  /** Never shown, wherever an answer repeats them. */
  readonly secrets: readonly string[];
  /** The GPU that was asked for. */
  readonly gpu?: string | undefined;
}

type Explanation = readonly [ErrorCode, string];

const SIGN_IN = 'Sign in with the command "Sandbox: Sign In…", or set DAYTONA_API_KEY for the command line.';
const RETRY = "Try again; https://status.daytona.io tells of outages.";
const CORRECT = "Correct the target's options or the session's limits.";
const LIMIT =
  "The Daytona account has reached a limit. Wait, destroy sandboxes, or raise it at https://app.daytona.io/dashboard/limits.";
const TOO_MANY = "Daytona allows this account no more calls for now. Wait a minute and try again.";
const UNREACHABLE = `Daytona can't be reached. Check the network (and a proxy or firewall in between). ${RETRY}`;
const FAILED: Explanation = ["unavailable", `Daytona failed. ${RETRY}`];
const LATE: Explanation = ["unavailable", `Daytona did not answer in time. ${RETRY}`];
const NOTHING_THERE: Explanation = [
  "not-found",
  "Daytona has no such thing: it is gone, or belongs to another account. Check the target's options or start a new session.",
];

/** By HTTP status, as `DaytonaError.statusCode` has it. 400 and 403 stand for several remedies, which words tell apart. */
const BY_STATUS: Readonly<Record<number, Explanation>> = {
  400: ["invalid", `Daytona refuses the request. ${CORRECT}`],
  401: ["auth", `Daytona does not accept the API key. ${SIGN_IN}`],
  402: ["quota", "Daytona wants money first: add credits at https://app.daytona.io/dashboard/billing, then try again."],
  403: [
    "auth",
    "The Daytona API key may not do that. Sign in with one that has the permissions sandboxes and snapshots.",
  ],
  404: NOTHING_THERE,
  408: LATE,
  409: ["conflict", `Something else was changing that at the same time. ${RETRY}`],
  410: NOTHING_THERE,
  413: ["invalid", "Daytona does not take that much at once."],
  422: ["invalid", `Daytona refuses a value. ${CORRECT}`],
  429: ["quota", TOO_MANY],
  500: FAILED,
  501: ["unsupported", "Daytona does not offer that to this account."],
  502: FAILED,
  503: ["unavailable", `Daytona is not available now. ${RETRY}`],
  504: LATE,
};

/** Without a status, by `name`, which the SDK sets on each of its classes; bundlers change the names of constructors. */
const BY_NAME: Readonly<Record<string, Explanation>> = {
  DaytonaConnectionError: ["unavailable", UNREACHABLE],
  DaytonaConnectionTimeoutError: LATE,
  DaytonaTimeoutError: ["unavailable", `Daytona did not finish in time. ${RETRY}`],
  DaytonaProcessExecutionTimeoutError: ["unavailable", `The sandbox did not finish in time. ${RETRY}`],
  DaytonaAuthenticationError: ["auth", `Daytona has no usable API key. ${SIGN_IN}`],
  DaytonaNotFoundError: NOTHING_THERE,
  DaytonaInvalidArgumentError: ["invalid", `Daytona refuses a value. ${CORRECT}`],
};

const UNKNOWN: Explanation = ["unavailable", `Daytona could not be used. ${RETRY}`];

/** What the service words as a refusal although waiting or another choice would help, first match wins. */
const BY_WORDS: readonly (readonly [RegExp, Explanation])[] = [
  [/rate.?limit|too many requests/i, ["quota", TOO_MANY]],
  [/limit exceeded|exceeds? .*(?:limit|quota)|quota|maximum allowed|upgrade/i, ["quota", LIMIT]],
  [
    /suspended|depleted|credits/i,
    ["quota", "The Daytona account is suspended or out of credits: look at https://app.daytona.io/dashboard/billing."],
  ],
  [
    /snapshot .*(?:not found|is not available|is (?:inactive|error|removing|build_failed))/i,
    [
      "not-found",
      "Daytona has no such snapshot there: it was deleted, is not active, or belongs to another account or region. Choose another image.",
    ],
  ],
  [
    /build(?:_failed| failed)|failed to (?:pull|build)|manifest unknown|no such (?:tag|image)|image .*not found/i,
    ["invalid", 'The image could not be built. Check its name; Daytona takes no tags like "latest".'],
  ],
];

/** Maps what the SDK throws: its own classes, with a status where a server has answered. */
export function toSandboxError(cause: unknown, context: ErrorContext): SandboxError {
  if (cause instanceof SandboxError) return cause;
  const said = readMessage(cause, context.secrets);
  const [code, message] = explain(cause, said, context);
  return new SandboxError(
    code,
    said === "" ? message : `${message} (Daytona: ${said})`,
    toCause(cause, context.secrets),
  );
}

/** Nobody has signed in. */
export function newSignedOutError(): SandboxError {
  return new SandboxError("auth", `You are not signed in to Daytona. ${SIGN_IN}`);
}

/** Of HTTP; 0 when no server has answered. */
export function readStatus(cause: unknown): number {
  const status = cause instanceof Error && "statusCode" in cause ? cause.statusCode : undefined;
  return typeof status === "number" ? status : 0;
}

/** Whether it says that what was asked for is not there. */
export function isNotFound(cause: unknown): boolean {
  return [404, 410].includes(readStatus(cause));
}

/** These stand for several remedies, which the service's words tell apart. */
const AMBIGUOUS = new Set([0, 400, 403, 409, 422]);

function explain(cause: unknown, said: string, { gpu }: ErrorContext): Explanation {
  const name = cause instanceof Error ? cause.name : "";
  const status = readStatus(cause);
  const byStatus = status >= 500 ? FAILED : UNKNOWN;
  if (!AMBIGUOUS.has(status)) return BY_STATUS[status] ?? byStatus;
  const byName = status === 0 ? BY_NAME[name] : undefined;
  return byName ?? explainWords(said, gpu) ?? BY_STATUS[status] ?? UNKNOWN;
}

function explainWords(said: string, gpu: string | undefined): Explanation | undefined {
  if (NO_CAPACITY.test(said)) return explainCapacity(gpu);
  const [, found] = BY_WORDS.find(([words]) => words.test(said)) ?? [];
  return found;
}

const NO_CAPACITY = /no available runners?|capacity|no (?:free )?gpus?\b|gpus?\b.*unavailable/i;

function explainCapacity(gpu: string | undefined): Explanation {
  const message =
    gpu === undefined
      ? "Daytona has no free machine of that kind now. Take another region, or try again later."
      : `Daytona has no free ${gpu} now. Take another GPU, name more of them to fall back on, or try again later.`;
  return ["capacity", message];
}

/** The server's own words, short, without anything that opens doors. */
function readMessage(cause: unknown, secrets: readonly string[]): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return scrub(text, secrets).replaceAll(/\s+/g, " ").trim().slice(0, 500);
}

// Keys of Daytona ("dtn_…"), JSON Web Tokens, and whatever is sent as a bearer.
const TOKENS = /\bdtn_[A-Za-z0-9]{6,}|\beyJ[\w-]+\.[\w-]+\.[\w-]*|(?<=\bBearer )\S+/g;

function scrub(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) if (secret !== "") clean = clean.replaceAll(secret, "…");
  return clean.replaceAll(TOKENS, "…");
}

/** The original is kept for logs only when there is nothing in it to hide. */
function toCause(cause: unknown, secrets: readonly string[]): { cause?: unknown } {
  if (!(cause instanceof Error)) return {};
  const text = `${cause.message} ${cause.stack ?? ""}`;
  // What the SDK copies of the answer's head is not for logs.
  return scrub(text, secrets) === text && !("headers" in cause && cause.headers) ? { cause } : {};
}
