import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "./api-error.ts";
import type { Faults } from "./faults.ts";

/** A connection has been ended, so that nobody is to answer on it. */
export class ConnectionCut extends Error {}

/** Stands between the wire and every route: counts calls, and makes go wrong what is to. */
export class Interceptor {
  readonly #faults: Faults;
  readonly #count: (name: string) => void;

  /** `count` hears the name of every route that is called. */
  constructor(faults: Faults, count: (name: string) => void) {
    this.#faults = faults;
    this.#count = count;
  }

  /** @throws what is to go wrong, or {@link ConnectionCut} */
  async before(name: string, socket: Socket): Promise<void> {
    this.#count(name);
    const delay = this.#faults.take("delay", name);
    if (delay) await sleep(delay.ms);
    const cut = this.#faults.take("cut", name);
    if (cut) {
      if (cut.reset) socket.resetAndDestroy();
      else socket.destroy();
      throw new ConnectionCut();
    }
    const error = this.#faults.take("error", name);
    if (error) throw toError(error);
    const idle = this.#faults.take("idle-timeout", name);
    if (idle) socket.setTimeout(idle.ms, () => socket.destroy());
    const stream = this.#faults.take("cut-stream", name);
    if (stream) cutAfter(socket, stream.afterBytes);
  }

  /** Whether the client is not to hear of what was done. */
  losesAnswer(name: string): boolean {
    return this.#faults.take("lose-answer", name) !== undefined;
  }
}

interface ErrorFault {
  readonly status: number;
  readonly message?: string;
  readonly code?: string;
  readonly retryAfterSecs?: number;
}

function toError({ status, message = "injected", code, retryAfterSecs }: ErrorFault): ApiError {
  return new ApiError(status, message, {
    source: "DAYTONA_API",
    ...(code === undefined ? {} : { code }),
    ...(retryAfterSecs === undefined ? {} : { headers: { "Retry-After": String(retryAfterSecs) } }),
  });
}

/** Lets so many bytes out, and ends the connection. */
function cutAfter(socket: Socket, bytes: number): void {
  let left = bytes;
  const ordinary = Reflect.get(socket, "write", socket);
  const pass = (...given: unknown[]): boolean => Reflect.apply(ordinary, socket, given);
  const write = (chunk: Buffer | string, ...rest: unknown[]): boolean => {
    const data = typeof chunk === "string" ? Buffer.from(chunk, rest.find(isEncoding)) : chunk;
    left -= data.byteLength;
    if (left >= 0) return pass(data, ...rest.filter((one) => typeof one === "function"));
    return pass(data.subarray(0, data.byteLength + left), () => socket.destroy());
  };
  Object.assign(socket, { write });
}

function isEncoding(value: unknown): value is BufferEncoding {
  return typeof value === "string" && Buffer.isEncoding(value);
}
