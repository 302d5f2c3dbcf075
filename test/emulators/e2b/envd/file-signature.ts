import { createHash } from "node:crypto";
import { ApiError } from "../api-error.ts";
import { sameSecret } from "../secrets.ts";
import type { RpcCall } from "./rpc-call.ts";

/**
 * Files are also given to whoever has an address that was signed with the sandbox's token.
 * Source: https://github.com/e2b-dev/infra, packages/envd/internal/api/auth.go.
 *
 * @throws ApiError 401
 */
export function checkSignature({ sandbox, request }: RpcCall, query: URLSearchParams, operation: "read" | "write") {
  const token = sandbox.envdToken;
  if (token === undefined) return;
  const given = request.headers["x-access-token"];
  if (given !== undefined) {
    if (sameSecret(String(given), token)) return;
    throw new ApiError(401, "access token present in header but does not match");
  }
  const expiration = query.get("signature_expiration");
  const signature = query.get("signature") ?? "";
  if (!sameSecret(signature, sign(query, operation, token))) throw new ApiError(401, "invalid signature");
  if (expiration !== null && Number(expiration) < Date.now() / 1000) {
    throw new ApiError(401, "signature is already expired");
  }
}

function sign(query: URLSearchParams, operation: string, token: string): string {
  const expiration = query.get("signature_expiration");
  const parts = [query.get("path") ?? "", operation, query.get("username") ?? "", token];
  const signed = expiration === null ? parts : [...parts, expiration];
  return `v1_${createHash("sha256").update(signed.join(":")).digest("base64").replace(/=+$/, "")}`;
}
