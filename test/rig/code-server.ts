import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import manifest from "../../package.json" with { type: "json" };
import { root, toolNode, vscodeFolder } from "../../scripts/setup/paths.mjs";
import { runCommand, toPlainEnv } from "../../scripts/setup/run-command.mjs";
import { EDITOR_SETTINGS } from "./editor-settings.ts";
import { endGroup } from "./end-process.ts";
import { findFreePort } from "./free-port.ts";

const START_TIMEOUT_MS = 60_000;
const ENTRY = join(vscodeFolder, "node_modules/code-server/out/node/entry.js");

/** VS Code's server, listening on 127.0.0.1. Whoever started it stops it. */
export interface CodeServer {
  /** "127.0.0.1:port" */
  readonly authority: string;
  /** Where our extension is installed. */
  readonly extensionFolder: string;
  /** What the server has said so far. */
  log(): string;
  stop(): Promise<void>;
}

/** How to start it. */
export interface CodeServerOptions {
  /** An own and short path (sockets live in it): user data, extensions and logs. */
  readonly folder: string;
  /** The packaged extension, the checkout itself, or none. */
  readonly extension: { readonly vsix: string } | "checkout" | "none";
  /** Over {@link EDITOR_SETTINGS}. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Makes it take the payload that {@link toEditorUrl} may carry. */
  readonly isForHostTests?: boolean;
}

/** Starts real VS Code as a server, with no account, no gallery and no settings but ours. */
export async function startCodeServer(options: CodeServerOptions): Promise<CodeServer> {
  writeUserData(options);
  if (options.extension === "checkout") linkCheckout(options.folder);
  else if (options.extension !== "none")
    await runCommand([
      toolNode(),
      ENTRY,
      ...toFolderArguments(options.folder),
      "--install-extension",
      options.extension.vsix,
    ]);
  const authority = `127.0.0.1:${await findFreePort()}`;
  const child = spawn(
    toolNode(),
    [ENTRY, ...toFolderArguments(options.folder), ...toServerArguments(authority, options.isForHostTests)],
    {
      env: { ...toPlainEnv(process.env), EXTENSIONS_GALLERY: '{"serviceUrl":""}', ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    },
  );
  const log = keepLog(child);
  await waitUntilHealthy(child, authority, log);
  return { authority, extensionFolder: toExtensionFolder(options.folder), log, stop: () => endGroup(child) };
}

/** The editor's address with that folder open, or with none. */
export function toEditorUrl(authority: string, folder?: string, query: Readonly<Record<string, string>> = {}): string {
  const url = new URL(`http://${authority}/`);
  if (folder === undefined) url.searchParams.set("ew", "true");
  else url.searchParams.set(folder.endsWith(".code-workspace") ? "workspace" : "folder", folder);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}

function writeUserData({ folder, settings }: CodeServerOptions): void {
  const user = join(folder, "data/User");
  mkdirSync(user, { recursive: true });
  mkdirSync(join(folder, "extensions"), { recursive: true });
  writeFileSync(join(user, "settings.json"), JSON.stringify({ ...EDITOR_SETTINGS, ...settings }, undefined, 2));
  // Without a file of its own it would read and write the one in the user's home.
  writeFileSync(join(folder, "config.yaml"), "auth: none\ncert: false\n");
}

/** As an installed extension that is the checkout itself: a rebuild and "Reload Window" bring changes in. */
function linkCheckout(folder: string): void {
  symlinkSync(root, toExtensionFolder(folder));
}

function toExtensionFolder(folder: string): string {
  return join(folder, "extensions", `${manifest.publisher}.${manifest.name}-${manifest.version}`);
}

function toFolderArguments(folder: string): readonly string[] {
  const data = ["--user-data-dir", join(folder, "data"), "--extensions-dir", join(folder, "extensions")];
  return ["--config", join(folder, "config.yaml"), ...data];
}

function toServerArguments(authority: string, isForHostTests = false): readonly string[] {
  const quiet = ["--disable-telemetry", "--disable-update-check", "--disable-getting-started-override"];
  // It lets an address name tests to run in the extension host, and shows no notification ever.
  const driver = isForHostTests ? ["--vscode-option", "enable-smoke-test-driver"] : [];
  return ["--auth", "none", "--bind-addr", authority, "--disable-proxy", "--ignore-last-opened", ...quiet, ...driver];
}

function keepLog(child: ChildProcess): () => string {
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8");
    stream?.on("data", (text: string) => {
      log += text;
    });
  }
  return () => log;
}

async function waitUntilHealthy(child: ChildProcess, authority: string, log: () => string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`VS Code's server ended at once:\n${log()}`);
    const isHealthy = await fetch(`http://${authority}/healthz`).then(
      (response) => response.ok,
      () => false,
    );
    if (isHealthy) return;
    await delay(50);
  }
  await endGroup(child);
  throw new Error(`VS Code's server did not answer within ${START_TIMEOUT_MS / 1000} s:\n${log()}`);
}
