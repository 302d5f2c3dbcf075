import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { Account } from "./account.ts";
import { ApiError } from "./api-error.ts";
import { ENVD_VERSION } from "./envd/envd.ts";
import type { NetworkUpdate, NewSandbox, Timed } from "./messages.ts";
import type { EmulatedSandbox } from "./sandbox.ts";
import { toListing } from "./control-lists.ts";
import { toSnapshotId } from "./templates.ts";

/** One call of the control plane. */
export interface ControlCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** The id in its path. */
  readonly id: string;
}

/** A call that is emulated, by its name in the books. */
export interface ControlRoute {
  readonly name: string;
  readonly verb: string;
  readonly path: RegExp;
  answer(account: Account, call: ControlCall): Promise<void> | void;
}

const CREATE_SECONDS = { first: 15, second: 300 };

/** What is to be done with a sandbox. The order matters: the first that fits answers. */
export const CONTROL_ROUTES: readonly ControlRoute[] = [
  {
    name: "CreateSandbox",
    verb: "POST",
    path: /^\/v2\/sandboxes$/,
    answer: async (account, call) => {
      const create = await readBody<NewSandbox>(call);
      const sandbox = await account.create(create, { seconds: CREATE_SECONDS.second, isSecure: true });
      send(call, 201, toSandbox(sandbox));
    },
  },
  {
    name: "CreateSandbox",
    verb: "POST",
    path: /^\/sandboxes$/,
    answer: async (account, call) => {
      const create = await readBody<NewSandbox>(call);
      send(call, 201, toSandbox(await account.create(create, { seconds: CREATE_SECONDS.first, isSecure: false })));
    },
  },
  ...toListing(),
  {
    name: "ConnectSandbox",
    verb: "POST",
    path: /^(?:\/v2)?\/sandboxes\/([^/]+)\/connect$/,
    answer: async (account, call) => {
      const wasRunning = await account.connect(call.id, await readBody<Timed>(call), "ConnectSandbox");
      send(call, wasRunning ? 200 : 201, toSandbox(account.get(call.id)));
    },
  },
  {
    name: "ResumeSandbox",
    verb: "POST",
    path: /^\/sandboxes\/([^/]+)\/resume$/,
    answer: async (account, call) => {
      if (account.get(call.id).state === "running") {
        throw new ApiError(409, `Sandbox ${call.id} is already running`);
      }
      await account.connect(call.id, await readBody<Timed>(call), "ResumeSandbox");
      send(call, 201, toSandbox(account.get(call.id)));
    },
  },
  {
    name: "PauseSandbox",
    verb: "POST",
    path: /^\/sandboxes\/([^/]+)\/pause$/,
    answer: async (account, call) => {
      const { memory = true } = await readBody<{ readonly memory?: boolean }>(call);
      await account.get(call.id).pause(memory);
      send(call, 204);
    },
  },
  {
    name: "SetTimeout",
    verb: "POST",
    path: /^\/sandboxes\/([^/]+)\/timeout$/,
    answer: async (account, call) => {
      const { timeout = 0 } = await readBody<Timed>(call);
      account.setTimeout(call.id, timeout);
      send(call, 204);
    },
  },
  {
    name: "CreateSnapshot",
    verb: "POST",
    path: /^\/sandboxes\/([^/]+)\/snapshots$/,
    answer: async (account, call) => {
      const { name } = await readBody<{ readonly name?: string }>(call);
      const snapshot = await account.snapshot(call.id, name);
      send(call, 201, { snapshotID: toSnapshotId(snapshot), names: snapshot.names });
    },
  },
  {
    name: "ForkSandbox",
    verb: "POST",
    path: /^\/sandboxes\/([^/]+)\/fork$/,
    answer: async (account, call) => {
      const forks = await account.fork(call.id, await readBody<Timed & { readonly count?: number }>(call));
      send(call, 201, forks.map(toFork));
    },
  },
  {
    name: "UpdateNetwork",
    verb: "PUT",
    path: /^\/sandboxes\/([^/]+)\/network$/,
    answer: async (account, call) => {
      account.get(call.id).network = await readBody<NetworkUpdate>(call);
      send(call, 204);
    },
  },
  {
    name: "KillSandbox",
    verb: "DELETE",
    path: /^\/sandboxes\/([^/]+)$/,
    answer: async (account, call) => {
      await account.get(call.id).kill();
      send(call, 204);
    },
  },
  {
    name: "DeleteTemplate",
    verb: "DELETE",
    path: /^\/templates\/(.+)$/,
    answer: async (account, call) => {
      await account.templates.delete(call.id);
      send(call, 204);
    },
  },
];

/** Answers in JSON, or with nothing. */
function send({ response }: Pick<ControlCall, "response">, status: number, body?: unknown): void {
  if (body === undefined) return void response.writeHead(status).end();
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

/** What its creator and whoever connects to it is told. */
function toSandbox({ id, parts, envdToken, trafficToken }: EmulatedSandbox) {
  return {
    sandboxID: id,
    templateID: parts.template.id,
    alias: parts.template.names[0],
    clientID: "6532622b",
    envdVersion: ENVD_VERSION,
    envdAccessToken: envdToken,
    trafficAccessToken: trafficToken ?? null,
    domain: null,
  };
}

function toFork(fork: PromiseSettledResult<EmulatedSandbox>): object {
  if (fork.status === "fulfilled") return { sandbox: toSandbox(fork.value) };
  const reason: unknown = fork.reason;
  const code = reason instanceof ApiError ? reason.status : 500;
  return { error: { code, message: reason instanceof Error ? reason.message : "" } };
}

async function readBody<Body extends object>({ request }: ControlCall): Promise<Body> {
  const body = await text(request);
  try {
    return JSON.parse(body || "{}");
  } catch (error) {
    throw new ApiError(400, `Error when parsing request: ${String(error)}`);
  }
}
