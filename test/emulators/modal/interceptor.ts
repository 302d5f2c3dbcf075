import { setTimeout as sleep } from "node:timers/promises";
import { type CallContext, ServerError, type ServerMiddleware, Status } from "nice-grpc";
import type { Credentials } from "./credentials.ts";
import type { ModalDefinitions } from "./definitions.ts";
import type { Fault, Faults } from "./faults.ts";

/** What stands between the wire and every method. */
export interface InterceptorDeps {
  readonly credentials: Credentials;
  readonly faults: Faults;
  readonly definitions: ModalDefinitions;
  /** Hears the name of every method that is called. */
  readonly count: (method: string) => void;
}

const CONTROL_PLANE = "/modal.client.ModalClient/";
const SIGN_IN = "AuthTokenGet";

/** Counts calls, lets in who has signed in, and makes go wrong what is to. */
export function toInterceptor({ credentials, faults, definitions, count }: InterceptorDeps): ServerMiddleware {
  return async function* intercept(call, context) {
    const method = call.method.path.slice(call.method.path.lastIndexOf("/") + 1);
    count(method);
    const delay = faults.take("delay", method);
    if (delay) await sleep(delay.ms, undefined, { signal: context.signal });
    const error = faults.take("error", method);
    if (error) throw toError(error, context, definitions);
    if (call.method.path.startsWith(CONTROL_PLANE) && method !== SIGN_IN) credentials.checkAccount(context.metadata);
    const cut = call.responseStream ? faults.take("cut-stream", method) : undefined;
    if (call.responseStream) {
      yield* cutAfter(call.next(call.request, context), cut?.afterBytes ?? Number.POSITIVE_INFINITY);
      return undefined;
    }
    const answer = yield* call.next(call.request, context);
    if (faults.take("lose-answer", method)) throw new ServerError(Status.UNAVAILABLE, "The answer was lost.");
    return answer;
  };
}

/** Passes on what fits into `bytes`, then breaks. */
async function* cutAfter<Message>(messages: AsyncGenerator<Message, unknown>, bytes: number): AsyncGenerator<Message> {
  let left = bytes;
  for await (const message of messages) {
    const data = toData(message);
    if (data && data.byteLength > left) {
      if (left > 0) yield { ...message, data: data.subarray(0, left) };
      throw new ServerError(Status.UNAVAILABLE, "The stream was cut.");
    }
    left -= data?.byteLength ?? 0;
    yield message;
  }
}

function toData(message: unknown): Uint8Array | undefined {
  if (typeof message !== "object" || message === null || !("data" in message)) return undefined;
  return message.data instanceof Uint8Array ? message.data : undefined;
}

function toError(
  { code, details = "", retryAfterSecs }: Extract<Fault, { kind: "error" }>,
  context: CallContext,
  { rpcStatus, retryPolicy }: ModalDefinitions,
): ServerError {
  if (retryAfterSecs !== undefined) {
    const value = retryPolicy.encode(retryPolicy.fromPartial({ retryAfterSecs })).finish();
    const detail = { typeUrl: "type.googleapis.com/modal.client.RPCRetryPolicy", value };
    const status = rpcStatus.encode(rpcStatus.fromPartial({ code: Status[code], details: [detail] })).finish();
    context.trailer.set("grpc-status-details-bin", status);
  }
  return new ServerError(Status[code], details);
}
