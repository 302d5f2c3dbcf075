import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { text } from "node:stream/consumers";
import { listen, portOf } from "./loopback.ts";

/** What is looked at and steered. */
interface Controlled {
  /** What `GET /books` answers with; has to be fit for JSON. */
  readonly books: object;
  /** Carries out what is posted to `/orders`, parsed; its type is the emulator's own. */
  readonly carryOut: (order: unknown) => Promise<void>;
}

/** Where an emulator is looked at and steered from. */
export interface ControlServer {
  /** "http://127.0.0.1:port" */
  readonly url: string;
  close(): void;
}

/**
 * Serves plain HTTP on the loopback: `GET /books` answers with the books, `POST /orders` takes an order and answers when
 * it has been carried out. Both speak JSON.
 */
export async function startControlServer(controlled: Controlled): Promise<ControlServer> {
  const server = await listen(
    createServer((request, response) => {
      answer(controlled, request, response).catch((error: unknown) =>
        response.writeHead(500).end(`${String(error)}\n`),
      );
    }),
  );
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(controlled: Controlled, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const call = `${request.method} ${request.url}`;
  if (call === "POST /orders") await controlled.carryOut(JSON.parse(await text(request)));
  else if (call !== "GET /books") return void response.writeHead(404).end();
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(call === "GET /books" ? controlled.books : {}));
}
