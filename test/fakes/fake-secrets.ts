import { createHash } from "node:crypto";

const CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Looks like a credential and is none: always the same for the same beginning. No such text stands in this repository. */
export function toFakeToken(prefix: string, length: number, characters = CHARACTERS): string {
  let text = "";
  for (let at = 0; text.length < length; at++) {
    for (const byte of createHash("sha256").update(`${prefix}${at}`).digest())
      text += characters[byte % characters.length] ?? "";
  }
  return prefix + text.slice(0, length);
}
