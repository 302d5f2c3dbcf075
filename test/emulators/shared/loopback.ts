import type { Server } from "node:net";

const HOST = "127.0.0.1";

/** Lets a server listen on the loopback, on any free port when it is 0. Returns the same server. */
export async function listen<Listener extends Server>(server: Listener, port = 0): Promise<Listener> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, resolve);
  });
  return server;
}

/** Of a server that listens. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return address.port;
}
