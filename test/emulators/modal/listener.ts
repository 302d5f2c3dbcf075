import {
  type CompatServiceDefinition,
  type Server,
  ServerError,
  type ServerMiddleware,
  Status,
  createServer,
} from "nice-grpc";
import type { ServiceMethods } from "./account-service.ts";

/** A service and what there is of it. */
type Service = readonly [definition: CompatServiceDefinition, methods: ServiceMethods];

/** A port that can be shut and opened again. */
export class Listener {
  readonly #services: readonly Service[];
  readonly #interceptor: ServerMiddleware;
  #server: Server | undefined;
  #port: number;

  /** Any free port when it is 0. */
  constructor(port: number, services: readonly Service[], interceptor: ServerMiddleware) {
    this.#port = port;
    this.#services = services;
    this.#interceptor = interceptor;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens on the loopback. */
  async open(): Promise<void> {
    if (this.#server) return;
    this.#server = createServer().use(this.#interceptor);
    for (const [definition, methods] of this.#services) add(this.#server, definition, methods);
    this.#port = await this.#server.listen(`127.0.0.1:${this.#port}`);
  }

  /** Cuts all connections and refuses new ones. */
  shut(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }
}

/** Serves what there is of a service; every other method says that it is not implemented. */
function add(server: Server, definition: CompatServiceDefinition, methods: ServiceMethods): void {
  const all: Record<string, unknown> = {};
  for (const name of Object.keys("methods" in definition ? definition.methods : definition)) {
    all[name] =
      methods[name] ?? (() => Promise.reject(new ServerError(Status.UNIMPLEMENTED, `${name} is not emulated.`)));
  }
  server.add(definition, all);
}
