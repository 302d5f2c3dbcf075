import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { text } from "node:stream/consumers";
import type { Fault } from "./faults.ts";
import type { ModalEmulator } from "./modal-emulator.ts";

/** What another process may ask of an emulator; any number of its parts, carried out in this order. */
interface Order {
  readonly clearFaults?: true;
  readonly inject?: Fault;
  readonly setGpus?: { readonly type: string; readonly count: number };
  /** A sandbox's id. */
  readonly expire?: string;
  readonly connections?: "refuse" | "accept";
}

/** Where an emulator is looked at and steered from. */
export interface ControlServer {
  /** "http://127.0.0.1:port" */
  readonly url: string;
  close(): void;
}

/**
 * Serves plain HTTP on the loopback: `GET /books` answers with the books, `POST /orders` takes an {@link Order} and
 * answers when it has been carried out. Both speak JSON.
 */
export async function startControlServer(emulator: ModalEmulator): Promise<ControlServer> {
  const server = createServer((request, response) => {
    answer(emulator, request, response).catch((error: unknown) => response.writeHead(500).end(`${String(error)}\n`));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: toUrl(server),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(emulator: ModalEmulator, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const call = `${request.method} ${request.url}`;
  if (call === "POST /orders") await carryOut(toOrder(await text(request)), emulator);
  else if (call !== "GET /books") return void response.writeHead(404).end();
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(call === "GET /books" ? emulator.books : {}));
}

async function carryOut(order: Order, emulator: ModalEmulator): Promise<void> {
  if (order.clearFaults) emulator.faults.clear();
  if (order.inject) emulator.faults.inject(order.inject);
  if (order.setGpus) emulator.setGpus(order.setGpus.type, order.setGpus.count);
  if (order.expire !== undefined) await emulator.expire(order.expire);
  if (order.connections === "refuse") emulator.refuseConnections();
  if (order.connections === "accept") await emulator.acceptConnections();
}

function toOrder(json: string): Order {
  return JSON.parse(json);
}

function toUrl(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The control server has no port.");
  return `http://127.0.0.1:${address.port}`;
}
