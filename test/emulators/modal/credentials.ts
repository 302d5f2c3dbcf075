import { createHmac, randomBytes } from "node:crypto";
import { type Metadata, ServerError, Status } from "nice-grpc";

/** The two halves of an account's key. */
export interface ModalToken {
  readonly tokenId: string;
  readonly tokenSecret: string;
}

/** The one that an emulator accepts unless it is told others. */
export const EMULATOR_TOKEN: ModalToken = { tokenId: "ak-emulator", tokenSecret: "as-emulator" };

const AUTH_SECONDS = 3600;

/** Who may use the emulator. */
export class Credentials {
  readonly #key = randomBytes(32);
  readonly #tokens: readonly ModalToken[];
  readonly #routerSeconds: number;

  /** `routerSeconds` is how long a sandbox's token is good for. */
  constructor(tokens: readonly ModalToken[], routerSeconds: number) {
    this.#tokens = tokens;
    this.#routerSeconds = routerSeconds;
  }

  /** A token for the control plane's further calls. @throws UNAUTHENTICATED for an unknown key. */
  signIn(metadata: Metadata): string {
    this.#checkKey(metadata);
    return this.#issue("account", AUTH_SECONDS);
  }

  /** @throws UNAUTHENTICATED */
  checkAccount(metadata: Metadata): void {
    this.#checkKey(metadata);
    this.#check(metadata.get("x-modal-auth-token") ?? "", "account");
  }

  /** A token for what happens inside one task. */
  issueForTask(taskId: string): string {
    return this.#issue(taskId, this.#routerSeconds);
  }

  /** @throws UNAUTHENTICATED */
  checkTask(metadata: Metadata, taskId: string): void {
    this.#check((metadata.get("authorization") ?? "").replace(/^Bearer /, ""), taskId);
  }

  #checkKey(metadata: Metadata): void {
    const id = metadata.get("x-modal-token-id");
    const secret = metadata.get("x-modal-token-secret");
    if (this.#tokens.some((token) => token.tokenId === id && token.tokenSecret === secret)) return;
    throw new ServerError(Status.UNAUTHENTICATED, "Token ID is malformed or unknown");
  }

  /** A JSON Web Token (RFC 7519) signed by HMAC SHA-256. */
  #issue(subject: string, seconds: number): string {
    const body = { sub: subject, exp: Math.floor(Date.now() / 1000) + seconds };
    const signed = `${toBase64Url({ alg: "HS256", typ: "JWT" })}.${toBase64Url(body)}`;
    return `${signed}.${this.#sign(signed)}`;
  }

  #check(token: string, subject: string): void {
    const [header = "", body = "", signature] = token.split(".");
    if (signature !== this.#sign(`${header}.${body}`)) throw new ServerError(Status.UNAUTHENTICATED, "Invalid token");
    const claims = this.#read(body);
    if (claims.sub !== subject) throw new ServerError(Status.UNAUTHENTICATED, "Token is for something else");
    if (claims.exp <= Date.now() / 1000) throw new ServerError(Status.UNAUTHENTICATED, "Token has expired");
  }

  /** Only of a body whose signature is our own. */
  #read(body: string): { sub: string; exp: number } {
    return JSON.parse(Buffer.from(body, "base64url").toString());
  }

  #sign(text: string): string {
    return createHmac("sha256", this.#key).update(text).digest("base64url");
  }
}

function toBase64Url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
