import { SandboxError } from "./sandbox-error.ts";

const WINDOWS_RESERVED = /^(?:con|prn|aux|nul|com[1-9¹²³]|lpt[1-9¹²³]|conin\$|conout\$)(?:\..*)?$/i;
const MAX_PATH_BYTES = 4096;
const MAX_NAME_BYTES = 255;
const MAX_DEPTH = 256;

/**
 * Why a path may not be used as a path relative to the workspace, or undefined when it may.
 * Good paths are POSIX, relative, normalised ("a/b", never "./a", "a//b", "a/../b"), without NUL, at most 256 deep.
 * A colon, a backslash and names that Windows reserves are good on POSIX and refused for `win32`, where they would name
 * a drive, a stream, a directory or a device.
 */
export function whyUnsafePath(path: string, platform: NodeJS.Platform = process.platform): string | undefined {
  if (path === "") return "it is empty";
  if (path.includes("\0")) return "it contains a NUL byte";
  if (path.startsWith("/")) return "it is absolute";
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `it is longer than ${MAX_PATH_BYTES} bytes`;
  const names = path.split("/");
  if (names.length > MAX_DEPTH) return `it is more than ${MAX_DEPTH} folders deep`;
  for (const name of names) {
    const reason = whyUnsafeName(name, platform);
    if (reason) return reason;
  }
  return undefined;
}

function whyUnsafeName(name: string, platform: NodeJS.Platform): string | undefined {
  if (name === "") return "it has an empty part";
  if (name === "." || name === "..") return `it has a "${name}" part`;
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `a part of it is longer than ${MAX_NAME_BYTES} bytes`;
  if (platform !== "win32") return undefined;
  if (/[\\:*?"<>|]/.test(name)) return "it has a character that Windows does not allow";
  if (/[. ]$/.test(name)) return "a part of it ends with a dot or a space";
  if (WINDOWS_RESERVED.test(name)) return "Windows reserves that name";
  return undefined;
}

/** Returns `path` when it is safe. @throws {SandboxError} `invalid` with the reason, the path escaped for display. */
export function checkWorkspacePath(path: string, platform: NodeJS.Platform = process.platform): string {
  const reason = whyUnsafePath(path, platform);
  if (reason) throw new SandboxError("invalid", `The path ${toDisplay(path)} is refused: ${reason}.`);
  return path;
}

/** A file name as people may see it: control, bidirectional and invisible characters written as \u escapes, cut at 200 characters. */
export function toDisplay(path: string): string {
  const escaped = path.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
  return escaped.length > 200 ? `${escaped.slice(0, 200)}…` : escaped;
}

/** Orders paths by their UTF-8 bytes, as git does, so that every machine agrees. */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x !== y) return toByteOrder(x) - toByteOrder(y);
  }
  return a.length - b.length;
}

/** UTF-16 puts surrogates below U+E000; in UTF-8 what they stand for comes last. */
function toByteOrder(codeUnit: number): number {
  return codeUnit >= 0xd800 && codeUnit <= 0xdfff ? codeUnit + 0x10000 : codeUnit;
}
