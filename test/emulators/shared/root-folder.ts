import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { mayGiveUsers } from "./machine.ts";

/** What distinguishes one machine's `/` from another's. */
export interface RootOptions {
  readonly hostname: string;
  /** A first user besides root, with a home in `/home`; its number inside is 1000, or 0 where there is only root. */
  readonly userName?: string;
}

const LINKS = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
const USER_ID = 1000;
/** What a file of user 1000 belongs to on the host. */
const HOST_USER_ID = 101_000;

/** What a new `/` holds before an image's files are laid over it. Not asynchronous: twenty small steps are faster so. */
export function prepareRoot(root: string, { hostname, userName }: RootOptions): void {
  for (const name of ["etc", "root", "home", "tmp", "var/tmp"]) mkdirSync(path.join(root, name), { recursive: true });
  for (const name of ["tmp", "var/tmp"]) chmodSync(path.join(root, name), 0o1777);
  for (const name of LINKS.filter((link) => existsSync(`/usr/${link}`))) {
    if (!lstatSync(path.join(root, name), { throwIfNoEntry: false })) symlinkSync(`usr/${name}`, path.join(root, name));
  }
  if (userName !== undefined) makeHome(path.join(root, "home", userName));
  writeFileSync(path.join(root, "etc/passwd"), toPasswd(userName));
  writeFileSync(path.join(root, "etc/group"), `root:x:0:\n${toGroup(userName)}nogroup:x:65534:\n`);
  writeFileSync(path.join(root, "etc/hosts"), `127.0.0.1 localhost ${hostname}\n`);
}

/** Who there is, by a name as programs see it: undefined for one that is not there. */
export function toUserId(name: string, userName: string): number | undefined {
  return name === "root" ? 0 : name === userName ? USER_ID : undefined;
}

function makeHome(home: string): void {
  if (existsSync(home)) return;
  mkdirSync(home);
  if (mayGiveUsers) chownSync(home, HOST_USER_ID, HOST_USER_ID);
}

function toPasswd(userName: string | undefined): string {
  const id = mayGiveUsers ? USER_ID : 0;
  const user = userName === undefined ? "" : `${userName}:x:${id}:${id}::/home/${userName}:/bin/bash\n`;
  return `root:x:0:0:root:/root:/bin/sh\n${user}nobody:x:65534:65534::/:/bin/false\n`;
}

function toGroup(userName: string | undefined): string {
  return userName === undefined ? "" : `${userName}:x:${mayGiveUsers ? USER_ID : 0}:\n`;
}
