import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { PortAddress } from "../../core/sandbox.ts";
import type { SessionRecord } from "../../sessions/records.ts";
import { hasAbility } from "../abilities.ts";
import { withProgress } from "../register-command.ts";
import { EditorError } from "../show-error.ts";
import type { CommandDeps } from "./command-deps.ts";
import { takeSession } from "./pick-session.ts";

const MEMENTO_KEY = "openedPorts";
/** Sessions whose addresses were opened without asking again; older ones are forgotten. */
const MAX_REMEMBERED = 50;
const MAX_PORT = 65_535;

/** Makes a port of a session's sandbox reachable and opens it in the browser, after asking where that goes. */
export async function openPort(deps: CommandDeps, argument: unknown): Promise<void> {
  const question = vscode.l10n.t("Open a port of which session?");
  const session = await takeSession(deps, argument, question, opensPorts);
  const port = session && (await askForPort(session));
  if (!port) return;
  const engine = await deps.link.get();
  const name = toDisplay(session.name);
  const address = await withProgress(vscode.l10n.t("Opening port {0} of {1}", port, name), () =>
    engine.openPort(session.id, port),
  );
  await present(deps, session, address);
}

function opensPorts({ state, target }: SessionRecord): boolean {
  return state === "ready" && hasAbility(target, "ports");
}

/** Those that were declared come first; any other can be typed. */
async function askForPort(session: SessionRecord): Promise<number | undefined> {
  const declared = session.target.ports ?? [];
  const other: vscode.QuickPickItem = { label: vscode.l10n.t("Another Port…"), iconPath: new vscode.ThemeIcon("add") };
  const items = declared.map((port) => ({
    label: String(port),
    description: vscode.l10n.t("declared in the settings"),
    iconPath: new vscode.ThemeIcon("plug"),
  }));
  const item =
    items.length === 0
      ? other
      : await vscode.window.showQuickPick<vscode.QuickPickItem>([...items, other], {
          placeHolder: vscode.l10n.t("Open which port of {0}?", toDisplay(session.name)),
        });
  if (item !== other) return item && toPort(item.label);
  const text = await vscode.window.showInputBox({
    title: vscode.l10n.t("Open Port"),
    prompt: vscode.l10n.t("The port that a program in the sandbox listens on, such as 8888"),
    validateInput: (value) => (value === "" || toPort(value) !== undefined ? undefined : notAPort()),
  });
  if (!text) return undefined;
  const port = toPort(text);
  if (port === undefined) throw new EditorError("invalid", notAPort(), []);
  return port;
}

/** Undefined for what is no port. */
function toPort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : 0;
  return port >= 1 && port <= MAX_PORT ? port : undefined;
}

function notAPort(): string {
  return vscode.l10n.t("A port is a whole number from 1 to {0}.", MAX_PORT);
}

async function present(deps: CommandDeps, session: SessionRecord, address: PortAddress): Promise<void> {
  const uri = vscode.Uri.parse(address.url, true);
  if (uri.scheme !== "https" && uri.scheme !== "http") {
    throw new EditorError("invalid", vscode.l10n.t("The provider gave an address that no browser opens."), []);
  }
  // No browser sends such a header.
  if (address.tokenHeader !== undefined) return void offerAddress(address, uri);
  const remembered = deps.memento.get<readonly string[]>(MEMENTO_KEY, []);
  if (!isLoopback(uri) && !remembered.includes(session.id)) {
    if (!(await confirmOpening(session, address, uri))) return;
    await deps.memento.update(MEMENTO_KEY, [session.id, ...remembered].slice(0, MAX_REMEMBERED));
  }
  await vscode.env.openExternal(uri);
  void offerAddress(address, uri);
}

async function confirmOpening(session: SessionRecord, { token }: PortAddress, uri: vscode.Uri): Promise<boolean> {
  const open = vscode.l10n.t("Open in Browser");
  const detail = [
    vscode.l10n.t("Address: {0}", toDisplay(uri.authority)),
    token === undefined
      ? vscode.l10n.t("Everybody who knows the address reaches what listens there, until the sandbox ends.")
      : vscode.l10n.t("It lets in who sends its token, until the sandbox ends."),
    vscode.l10n.t("What is shown there comes from code in the sandbox."),
  ].join("\n");
  const message = vscode.l10n.t("Open a port of {0} outside of this machine?", toDisplay(session.name));
  return (await vscode.window.showInformationMessage(message, { modal: true, detail }, open)) === open;
}

/** The token is a secret: it goes to the clipboard when it is asked for, and is never shown. */
async function offerAddress(address: PortAddress, uri: vscode.Uri): Promise<void> {
  const copyUrl = vscode.l10n.t("Copy Address");
  const secret = toSecret(address);
  const buttons = secret === undefined ? [copyUrl] : [copyUrl, secret.title];
  const choice = await vscode.window.showInformationMessage(describeAddress(address, uri), ...buttons);
  if (choice === copyUrl) await vscode.env.clipboard.writeText(address.url);
  if (secret && choice === secret.title) await vscode.env.clipboard.writeText(secret.text);
}

function describeAddress({ token, tokenHeader }: PortAddress, uri: vscode.Uri): string {
  const where = toDisplay(uri.authority);
  if (token === undefined) return vscode.l10n.t("The port is open at {0}.", where);
  if (tokenHeader === undefined)
    return vscode.l10n.t("The port is open at {0}. Requests need its token as a bearer.", where);
  return vscode.l10n.t(
    "The port is open at {0}, for requests with its token in the header {1}. Browsers send none: use a program that does.",
    where,
    toDisplay(tokenHeader),
  );
}

/** What lets in, as it is sent. */
function toSecret({ token, tokenHeader }: PortAddress): { readonly title: string; readonly text: string } | undefined {
  if (token === undefined) return undefined;
  return tokenHeader === undefined
    ? { title: vscode.l10n.t("Copy Token"), text: token }
    : { title: vscode.l10n.t("Copy Header"), text: `${tokenHeader}: ${token}` };
}

function isLoopback({ authority }: vscode.Uri): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/.test(authority);
}
