import { type ErrorCode, SandboxError } from "../../core/sandbox-error.ts";

/** What a call was about; makes messages better. */
export interface ErrorContext {
  /** Never shown, wherever an answer repeats them. */
  readonly secrets: readonly string[];
  /** The GPU that was asked for. */
  readonly gpu?: string | undefined;
}

const SIGN_IN =
  'Sign in with the command "Sandbox: Sign In…", or set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET for the command line.';
const RETRY = "Try again; https://status.modal.com tells of outages.";

const LIMIT =
  "The Modal workspace has reached a limit. Wait, destroy sandboxes, or raise the limit at https://modal.com/settings.";

const NOTHING_THERE: readonly [ErrorCode, string] = [
  "not-found",
  "Modal has no such thing: it is gone, or is in another environment. Check the target's options or start a new session.",
];

/** Numbers of gRPC, https://grpc.io/docs/guides/status-codes/, as the SDK's `ClientError.code` has them. */
const BY_STATUS: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  1: ["unavailable", `Modal cancelled the call. ${RETRY}`],
  2: ["unavailable", `Modal failed. ${RETRY}`],
  3: ["invalid", "Modal refuses the request. Correct the target's options or the session's limits."],
  4: ["unavailable", `Modal did not answer in time. ${RETRY}`],
  5: NOTHING_THERE,
  6: ["conflict", "Modal has one by that name already. Try again."],
  7: ["auth", "The Modal token may not do that. Sign in with one of the right workspace, or ask its owner for access."],
  9: ["invalid", "Modal can't do that in the state that things are in. Look at https://modal.com/settings."],
  10: ["conflict", `Something else was changing that at the same time. ${RETRY}`],
  11: ["invalid", "Modal refuses a value. Correct the target's options or the session's limits."],
  12: ["unsupported", "Modal does not offer that to this account."],
  13: ["unavailable", `Modal failed. ${RETRY}`],
  14: ["unavailable", `Modal can't be reached. Check the network (and a proxy or firewall in between). ${RETRY}`],
  15: ["unavailable", `Modal lost data. ${RETRY}`],
  16: ["auth", `Modal does not accept the token. ${SIGN_IN}`],
};

/** By `name`, which the SDK sets on each of its classes; bundlers change the names of constructors. */
const BY_NAME: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  NotFoundError: NOTHING_THERE,
  AlreadyExistsError: ["conflict", "Modal has one by that name already. Try again."],
  ConflictError: ["not-found", "The sandbox has ended. Start a new session."],
  InvalidError: ["invalid", "Modal refuses the request. Correct the target's options or the session's limits."],
  InternalFailure: ["unavailable", `Modal failed. ${RETRY}`],
  RemoteError: ["unavailable", `Modal failed. ${RETRY}`],
  ExecutionError: ["unavailable", `Modal could not do that. ${RETRY}`],
  TimeoutError: ["unavailable", `Modal did not finish in time. ${RETRY}`],
  FunctionTimeoutError: ["unavailable", `Modal did not finish in time. ${RETRY}`],
  SandboxTimeoutError: ["unavailable", `The sandbox was not ready in time. ${RETRY}`],
  ClientClosedError: ["unavailable", "The connection to the sandbox was closed. Start a new session."],
  SnapshotCreationError: ["not-found", "Modal could not save the sandbox's files at its end; they are lost there."],
  SandboxFilesystemNotFoundError: ["not-found", "The sandbox has no such file, or is gone."],
  SandboxFilesystemPermissionError: ["invalid", "The sandbox does not allow that."],
  SandboxFilesystemFileTooLargeError: ["invalid", "The file is too large for Modal."],
};

const UNKNOWN: readonly [ErrorCode, string] = ["unavailable", `Modal could not be used. ${RETRY}`];
const FILESYSTEM: readonly [ErrorCode, string] = [
  "unavailable",
  `The sandbox could not read or write a file. ${RETRY}`,
];

/** Maps what the SDK throws: its own classes, and the gRPC library's `ClientError` with a numeric `code`. */
export function toSandboxError(cause: unknown, context: ErrorContext): SandboxError {
  if (cause instanceof SandboxError) return cause;
  const said = readDetails(cause, context.secrets);
  const [code, message] = explain(cause, said, context);
  return new SandboxError(code, said === "" ? message : `${message} (Modal: ${said})`, toCause(cause, context.secrets));
}

/** Nobody has signed in. */
export function newSignedOutError(): SandboxError {
  return new SandboxError("auth", `You are not signed in to Modal. ${SIGN_IN}`);
}

/** Of gRPC; -1 when it is another error. */
export function readStatus(cause: unknown): number {
  return cause instanceof Error && cause.name === "ClientError" && "code" in cause ? Number(cause.code) : -1;
}

/** Whether it says that what was asked for is not there. */
export function isNotFound(cause: unknown): boolean {
  return readStatus(cause) === 5 || (cause instanceof Error && cause.name === "NotFoundError");
}

function explain(cause: unknown, said: string, { gpu }: ErrorContext): readonly [ErrorCode, string] {
  const name = cause instanceof Error ? cause.name : "";
  const status = readStatus(cause);
  if (status === 8 || name === "ResourceExhaustedError") return explainLimit(said, gpu);
  if (status >= 0) return BY_STATUS[status] ?? UNKNOWN;
  if (name.startsWith("SandboxFilesystem")) return BY_NAME[name] ?? FILESYSTEM;
  return BY_NAME[name] ?? explainPlain(said);
}

/** What the SDK throws as a plain error has only words. */
function explainPlain(said: string): readonly [ErrorCode, string] {
  if (/missing credentials/i.test(said)) return ["auth", `Modal has no token. ${SIGN_IN}`];
  return said.startsWith("Image build") ? explainBuild(said) : UNKNOWN;
}

/** The same status for three things that ask for different remedies; its words tell. */
function explainLimit(said: string, gpu: string | undefined): readonly [ErrorCode, string] {
  if (/capacity|no (?:free )?gpus?\b|gpus?\b.*unavailable/i.test(said)) return ["capacity", toCapacityMessage(gpu)];
  if (/rate.?limit|too many requests|throttl/i.test(said))
    return ["quota", "Modal allows this workspace no more calls for now. Wait a minute and try again."];
  return ["quota", LIMIT];
}

function toCapacityMessage(gpu: string | undefined): string {
  return gpu === undefined
    ? "Modal has no free machine of that kind now. Take other regions, or try again later."
    : `Modal has no free ${gpu} now. Take another GPU, name more of them to fall back on, or try again later.`;
}

function explainBuild(said: string): readonly [ErrorCode, string] {
  if (/timed out|external shut-down/.test(said)) return ["unavailable", `The image was not built in time. ${RETRY}`];
  return ["invalid", "The image could not be built. Check its name, and the commands of the option dockerfile."];
}

/** The server's own words, short, without anything that opens doors. */
function readDetails(cause: unknown, secrets: readonly string[]): string {
  const details = cause instanceof Error && "details" in cause ? String(cause.details) : "";
  const text = details || (cause instanceof Error ? cause.message : String(cause));
  return scrub(text, secrets).replaceAll(/\s+/g, " ").trim().slice(0, 500);
}

// Tokens of Modal ("ak-…", "as-…", "wk-…", "ws-…") and JSON Web Tokens, whoever's they are.
const TOKENS = /\b(?:ak|as|wk|ws)-[A-Za-z0-9]{6,}|\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;

/** A text without the secrets in it, and without anything that looks like a key of Modal's. */
export function scrub(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) if (secret !== "") clean = clean.replaceAll(secret, "…");
  return clean.replaceAll(TOKENS, "…");
}

/** The original is kept for logs only when there is nothing in it to hide. */
function toCause(cause: unknown, secrets: readonly string[]): { cause?: unknown } {
  if (!(cause instanceof Error)) return {};
  const text = `${cause.message} ${cause.stack ?? ""} ${"details" in cause ? String(cause.details) : ""}`;
  return scrub(text, secrets) === text ? { cause } : {};
}
