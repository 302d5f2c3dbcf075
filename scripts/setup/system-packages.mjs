import { existsSync, readFileSync } from "node:fs";
import { findBrowser } from "./browser.mjs";
import { findProgram } from "./paths.mjs";
import { runCommand } from "./run-command.mjs";
import { SetupError } from "./step.mjs";

/**
 * A Debian package and how to tell that what it brings is there, from wherever it came.
 * @typedef {{name: string, isThere: () => boolean}} SystemPackage
 */

/** @type {Readonly<Record<string, SystemPackage>>} */
const PACKAGES = {
  bubblewrap: { name: "bubblewrap", isThere: () => findProgram("bwrap") !== undefined },
  python: { name: "python3", isThere: () => findProgram("python3") !== undefined },
  browser: { name: "chromium", isThere: () => findBrowser() !== undefined },
  fonts: {
    name: "fonts-dejavu-core",
    isThere: () => existsSync("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"),
  },
  docker: { name: "docker.io", isThere: hasDocker },
  bridge: { name: "iproute2", isThere: () => findProgram("ip") !== undefined },
  debootstrap: { name: "debootstrap", isThere: () => findProgram("debootstrap") !== undefined },
  busybox: { name: "busybox-static", isThere: () => findProgram("busybox") !== undefined },
  bsdtar: { name: "libarchive-tools", isThere: () => findProgram("bsdtar") !== undefined },
  ripgrep: { name: "ripgrep", isThere: () => findProgram("rg") !== undefined },
  socat: { name: "socat", isThere: () => findProgram("socat") !== undefined },
  rsync: { name: "rsync", isThere: () => findProgram("rsync") !== undefined },
  strace: { name: "strace", isThere: () => findProgram("strace") !== undefined },
  gvisor: { name: "runsc", isThere: () => findProgram("runsc") !== undefined },
};

/** @typedef {"bubblewrap" | "python" | "browser" | "fonts" | "docker" | "bridge" | "debootstrap" | "busybox" | "bsdtar" | "ripgrep" | "socat" | "rsync" | "strace" | "gvisor"} PackageKey */

/** A Docker of any make counts: Debian's beside another vendor's would break both. */
function hasDocker() {
  return findProgram("dockerd") !== undefined || existsSync("/var/run/docker.sock");
}

/**
 * The step that installs Debian packages. What cannot be installed is told by a SetupError that names every package and
 * the command for it, after all that could be installed has been.
 * @param {readonly PackageKey[]} keys
 * @returns {import("./step.mjs").Step}
 */
export function systemPackages(keys) {
  // Ubuntu's chromium is a stub for a snap; the browser step brings Playwright's there.
  const wanted = keys
    .filter((key) => key !== "browser" || isDebianItself())
    .map((key) => PACKAGES[key])
    .filter((item) => item !== undefined);
  const missing = () => wanted.filter((item) => !item.isThere()).map((item) => item.name);
  return {
    name: "system packages",
    missing: () => (missing().length === 0 ? undefined : `installing ${missing().join(", ")}`),
    run: () => install(missing()),
  };
}

/** @param {readonly string[]} names */
async function install(names) {
  const remedy = `Install them yourself, then start again:\n  sudo apt-get install -y --no-install-recommends ${names.join(" ")}`;
  if (findProgram("apt-get") === undefined)
    throw new SetupError(
      `This machine has no apt-get. Install what these Debian packages bring, then start again: ${names.join(", ")}.`,
    );
  if (!(await canBecomeRoot()))
    throw new SetupError(`System packages are missing and you may not install any. ${remedy}`);
  if (await tryInstall(names)) return;
  await apt(["update"]).catch(() => undefined);
  if (await tryInstall(names)) return;
  /** @type {string[]} */
  const failed = [];
  for (const name of names) if (!(await tryInstall([name]))) failed.push(name);
  if (failed.length > 0)
    throw new SetupError(
      `apt-get could not install ${failed.join(", ")}. See why with:\n  sudo apt-get install ${failed.join(" ")}`,
    );
}

/** @param {readonly string[]} names */
async function tryInstall(names) {
  return apt(["install", "-y", "--no-install-recommends", ...names]).then(
    () => true,
    () => false,
  );
}

/** @param {readonly string[]} args */
function apt(args) {
  return runCommand([...sudo(), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", ...args]);
}

async function canBecomeRoot() {
  if (sudo().length === 0) return true;
  return runCommand([...sudo(), "true"]).then(
    () => true,
    () => false,
  );
}

/** With a person at the terminal sudo may ask for the password. */
function sudo() {
  if (process.getuid?.() === 0) return [];
  return process.stdin.isTTY ? ["sudo"] : ["sudo", "-n"];
}

function isDebianItself() {
  return existsSync("/etc/os-release") && /^ID=debian$/m.test(readFileSync("/etc/os-release", "utf8"));
}
