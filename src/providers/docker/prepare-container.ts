import type { Container } from "dockerode";
import { HOME, PRIVATE_FOLDER, USER_ID, WORKSPACE } from "./container-options.ts";
import { type TarMember, readOnlyFile, toSetupTar } from "./setup-tar.ts";
import { readStatus } from "./to-sandbox-error.ts";

const PASSWD = "etc/passwd";

/** Commands are not root, so that their folders have to be theirs from the start. */
const FOLDERS: readonly TarMember[] = [
  { path: "home", mode: "755", ownerId: 0 },
  { path: HOME.slice(1), mode: "755", ownerId: USER_ID },
  { path: WORKSPACE.slice(1), mode: "755", ownerId: USER_ID },
  { path: PRIVATE_FOLDER.slice(1), mode: "700", ownerId: USER_ID },
];

/** Makes, before a container starts, the folders of its user, and gives that user a name: shells and `os.userInfo()` want one. */
export async function prepareContainer(container: Container, abortSignal: AbortSignal): Promise<void> {
  const passwd = addUser(await readPasswd(container, abortSignal));
  const file = passwd === undefined ? [] : [{ path: PASSWD, mode: "644", ownerId: 0, content: Buffer.from(passwd) }];
  await container.putArchive(toSetupTar([...FOLDERS, ...file]), { path: "/", abortSignal });
}

/** "" when there is none, undefined when it is something else than a file. */
async function readPasswd(container: Container, abortSignal: AbortSignal): Promise<string | undefined> {
  try {
    const stream = await container.getArchive({ path: `/${PASSWD}`, abortSignal });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(Buffer.from(chunk));
    return readOnlyFile(Buffer.concat(chunks))?.toString("utf8");
  } catch (error) {
    if (readStatus(error) === 404) return "";
    throw error;
  }
}

/** The text with our user in it; undefined when nothing has to be written. */
export function addUser(passwd: string | undefined): string | undefined {
  if (passwd === undefined) return undefined;
  const lines = passwd.split("\n").filter(Boolean);
  if (lines.some((line) => line.split(":")[2] === String(USER_ID))) return undefined;
  if (lines.length === 0) lines.push("root:x:0:0:root:/root:/bin/sh");
  return `${[...lines, `sandbox:x:${USER_ID}:${USER_ID}::${HOME}:/bin/sh`].join("\n")}\n`;
}
