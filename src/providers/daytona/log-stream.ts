import { setTimeout as delay } from "node:timers/promises";
import { WebSocket, createWebSocketStream } from "ws";

/** As often as this a sign of life is asked for: gateways close connections on which nothing has moved for a minute. */
const PING_MS = 20_000;
const HANDSHAKE_TIMEOUT_MS = 15_000;
/** How long to wait before each attempt in a row to go on with a log whose connection broke. */
const PAUSES_MS = [0, 200, 500, 1000, 2000, 4000];
/** https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1: the log is at its end. */
const NORMAL_CLOSURE = 1000;

/** Where the log of a command is, and how to be let in. */
export interface LogSource {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The log of a command while it grows, byte for byte, until it is at its end, gone, or `cut` is aborted. Daytona keeps it in
 * a file and tells it from the beginning each time, so that nothing is lost when a connection breaks. The SDK's own reading
 * decodes it to text, loses what has no stream's mark in front, and can't be ended.
 */
export async function* readLog(source: LogSource, cut: AbortSignal): AsyncGenerator<Buffer> {
  let received = 0;
  for (let attempt = 0; attempt < PAUSES_MS.length && !cut.aborted; attempt++) {
    await delay(PAUSES_MS[attempt], undefined, { signal: cut }).catch(() => {});
    const connection = connect(source, cut);
    let skip = received;
    try {
      for await (const chunk of connection.chunks) {
        const fresh = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - fresh.length;
        if (fresh.length === 0) continue;
        received += fresh.length;
        attempt = 0;
        yield fresh;
      }
    } catch {
      // What broke it does not matter: whether to go on does.
    } finally {
      connection.close();
    }
    if (connection.isAtEnd()) return;
  }
}

interface Connection {
  readonly chunks: AsyncIterable<Buffer>;
  /** Whether another attempt is of no use. */
  isAtEnd(): boolean;
  close(): void;
}

function connect({ url, headers }: LogSource, cut: AbortSignal): Connection {
  const socket = new WebSocket(url, { headers, handshakeTimeout: HANDSHAKE_TIMEOUT_MS, followRedirects: false });
  let atEnd = false;
  let isAlive = true;
  socket.on("close", (code) => {
    if (code === NORMAL_CLOSURE) atEnd = true;
  });
  socket.on("unexpected-response", (request, { statusCode = 0 }) => {
    // Refused for good: the session, or the whole sandbox, is gone.
    if (statusCode >= 400 && statusCode < 500 && ![408, 429].includes(statusCode)) atEnd = true;
    request.destroy(new Error(`The log was refused with ${statusCode}.`));
  });
  socket.on("pong", () => {
    isAlive = true;
  });
  const pinging = setInterval(() => {
    if (!isAlive) socket.terminate();
    isAlive = false;
    if (socket.readyState === WebSocket.OPEN) socket.ping();
  }, PING_MS);
  const stream = createWebSocketStream(socket);
  const close = (): void => {
    clearInterval(pinging);
    cut.removeEventListener("abort", close);
    stream.destroy();
    socket.terminate();
  };
  if (cut.aborted) close();
  else cut.addEventListener("abort", close, { once: true });
  return { chunks: stream, isAtEnd: () => atEnd || cut.aborted, close };
}
