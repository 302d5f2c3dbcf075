import { randomInt } from "node:crypto";

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** A new id like Modal's: 22 characters after the prefix for most things, 26 for sandboxes of the second back end. */
export function newId(prefix: string, length: number): string {
  return `${prefix}-${Array.from({ length }, () => LETTERS[randomInt(LETTERS.length)]).join("")}`;
}
