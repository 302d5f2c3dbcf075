import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { promisify } from "node:util";

const run = promisify(execFile);

// An authority, and a certificate by it for 127.0.0.1 that serves and asks alike. $1 is the folder.
const CERTIFICATES = `cd "$1"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca-key.pem -out ca.pem
openssl req -newkey rsa:2048 -nodes -subj /CN=docker -keyout key.pem -out request.pem
printf 'subjectAltName=IP:127.0.0.1\\n' >extensions
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -extfile extensions -out cert.pem`;

/** A daemon's socket behind TLS that wants client certificates, as a remote daemon is. */
export interface TlsProxy {
  readonly port: number;
  /** With ca.pem, cert.pem and key.pem of a client, as DOCKER_CERT_PATH wants it. */
  readonly certificateFolder: string;
  stop(): Promise<void>;
}

export async function startTlsProxy(socketPath: string): Promise<TlsProxy> {
  const folder = await mkdtemp(join(tmpdir(), "sandpiper-tls-"));
  await run("sh", ["-ec", CERTIFICATES, "sh", folder]);
  const [ca, cert, key] = await Promise.all(
    ["ca.pem", "cert.pem", "key.pem"].map((name) => readFile(join(folder, name))),
  );
  const options = { ca, cert, key, requestCert: true, rejectUnauthorized: true, allowHalfOpen: true };
  const server = createServer(options, (client) => {
    const daemon = connect({ path: socketPath, allowHalfOpen: true });
    client.pipe(daemon).pipe(client);
    client.on("error", () => daemon.destroy()).on("close", () => daemon.destroy());
    daemon.on("error", () => client.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The proxy has no port.");
  const stop = async (): Promise<void> => {
    server.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { port: address.port, certificateFolder: folder, stop };
}
