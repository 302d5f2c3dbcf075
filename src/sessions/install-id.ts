import { randomBytes } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "./json-file.ts";

/** Says which installation a sandbox belongs to; made once per state folder. Two engines that start at once agree on it. */
export async function readInstallId(root: string): Promise<string> {
  const file = join(root, "install-id");
  const existing = await readId(file);
  if (existing !== undefined) return existing;
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, randomBytes(12).toString("hex"), { mode: 0o600 });
  try {
    // Unlike a rename, a link never replaces what another engine has just made.
    await link(temporary, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return (await readId(file)) ?? randomBytes(12).toString("hex");
}

async function readId(file: string): Promise<string | undefined> {
  try {
    const id = (await readFile(file, "utf8")).trim();
    return /^[a-f0-9]{24}$/.test(id) ? id : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
