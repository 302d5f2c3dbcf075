import { browser } from "../../scripts/setup/browser.mjs";
import { vscodeServer } from "../../scripts/setup/node-packages.mjs";
import { findProgram } from "../../scripts/setup/paths.mjs";

/** What a layer of tests asks of the machine. */
export type Need = "bubblewrap" | "docker" | "browser" | "vscode";

/** Why the machine does not give it, for people; undefined when it does. */
export async function whyUnmet(need: Need): Promise<string | undefined> {
  switch (need) {
    case "bubblewrap":
      return findProgram("bwrap") ? undefined : "bubblewrap is not installed";
    case "docker":
      return whyNoDocker();
    case "browser":
      return (await browser.missing()) === undefined ? undefined : "there is no Chromium";
    case "vscode":
      return (await vscodeServer.missing()) === undefined ? undefined : "VS Code's server could not be installed";
  }
}

function whyNoDocker(): string | undefined {
  if (process.platform !== "linux") return "the tests' own Docker daemon needs Linux";
  if (process.getuid?.() !== 0) return "the tests' own Docker daemon needs root";
  if (!findProgram("dockerd")) return "docker.io is not installed";
  return findProgram("debootstrap") ? undefined : "debootstrap is not installed";
}
