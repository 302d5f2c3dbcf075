import * as vscode from "vscode";
import type { Boundary, ProviderId } from "../core/provider.ts";
import type { Target } from "../sessions/records.ts";
import { readSetting, writeSetting } from "./settings.ts";

/** One line of the provider picker. */
export interface TargetChoice {
  readonly id: string;
  readonly label: string;
  readonly detail: string;
  readonly providerId: ProviderId;
  readonly boundary: Boundary;
}

const GVISOR_RUNTIME = "runsc";

/** Everything that can be picked, in the order in which it is offered. */
export function listTargetChoices(platform: NodeJS.Platform = process.platform): readonly TargetChoice[] {
  const local: TargetChoice =
    platform === "darwin"
      ? {
          id: "local",
          label: vscode.l10n.t("Local (Seatbelt)"),
          detail: vscode.l10n.t("On this machine, no account and no daemon."),
          providerId: "local",
          boundary: "seatbelt",
        }
      : {
          id: "local",
          label: vscode.l10n.t("Local (bubblewrap)"),
          detail: vscode.l10n.t("On this machine, no account and no daemon; starts in milliseconds."),
          providerId: "local",
          boundary: "namespaces",
        };
  return [
    local,
    {
      id: "local-gvisor",
      label: vscode.l10n.t("Local (gVisor)"),
      detail: vscode.l10n.t("On this machine behind gVisor's own kernel: a stronger boundary, a slower start."),
      providerId: "local",
      boundary: "gvisor",
    },
    {
      id: "docker",
      label: vscode.l10n.t("Docker"),
      detail: vscode.l10n.t("A hardened container of the image you choose, in Docker or Podman."),
      providerId: "docker",
      boundary: "container",
    },
    {
      id: "docker-gvisor",
      label: vscode.l10n.t("Docker (gVisor)"),
      detail: vscode.l10n.t("A container behind gVisor's own kernel; the daemon has to know the runtime runsc."),
      providerId: "docker",
      boundary: "gvisor",
    },
  ];
}

/** The choice that the settings make. */
export function readTargetChoice(): TargetChoice {
  const providerId = readSetting("provider");
  const isGvisor =
    providerId === "local"
      ? readSetting("local.boundary") === "gvisor"
      : readSetting("docker.runtime") === GVISOR_RUNTIME;
  return findChoice(providerId, isGvisor);
}

/** Makes a choice the user's own default. */
export async function writeTargetChoice(choice: TargetChoice): Promise<void> {
  const isGvisor = choice.boundary === "gvisor";
  if (choice.providerId === "local") await writeSetting("local.boundary", isGvisor ? "gvisor" : "namespaces");
  else if (isGvisor) await writeSetting("docker.runtime", GVISOR_RUNTIME);
  else if (readSetting("docker.runtime") === GVISOR_RUNTIME) await writeSetting("docker.runtime", "");
  await writeSetting("provider", choice.providerId);
}

/** Where to run, complete: the choice (the settings' own when left out) with everything else from the settings. */
export function readTarget(folder: vscode.Uri | undefined, choice: TargetChoice = readTargetChoice()): Target {
  const image = choice.providerId === "docker" ? readSetting("docker.image", folder) : "";
  return {
    providerId: choice.providerId,
    options: choice.providerId === "local" ? readLocalOptions(choice) : readDockerOptions(choice),
    ...(image === "" ? {} : { image }),
    network: readSetting("network"),
    memoryMiB: readSetting("memoryMiB", folder),
    cpus: readSetting("cpus", folder),
    maxProcesses: readSetting("maxProcesses", folder),
    diskMiB: readSetting("diskMiB", folder),
    lifetimeMs: readSetting("lifetimeMinutes", folder) * 60_000,
  };
}

/** What people call a target: "Local (bubblewrap)". */
export function describeTarget(target: Target, boundary: Boundary): string {
  return findChoice(target.providerId, boundary === "gvisor").label;
}

/** The choice that a target was made from. */
export function choiceOf({ providerId, options }: Target): TargetChoice {
  return findChoice(providerId, options["boundary"] === "gvisor" || options["runtime"] === GVISOR_RUNTIME);
}

/** The shortest name that tells providers apart: "Local". */
export function describeProvider(providerId: ProviderId): string {
  return providerId === "local" ? vscode.l10n.t("Local") : vscode.l10n.t("Docker");
}

function findChoice(providerId: ProviderId, isGvisor: boolean): TargetChoice {
  const ofProvider = listTargetChoices().filter((choice) => choice.providerId === providerId);
  const found = ofProvider.find((choice) => (choice.boundary === "gvisor") === isGvisor) ?? ofProvider[0];
  if (!found) throw new TypeError(`No choice for the provider ${providerId}`);
  return found;
}

function readLocalOptions(choice: TargetChoice): Record<string, string> {
  return choice.boundary === "gvisor" ? { boundary: "gvisor" } : {};
}

function readDockerOptions(choice: TargetChoice): Record<string, string> {
  const runtime = readSetting("docker.runtime");
  const options: Record<string, string> = {
    context: readSetting("docker.context"),
    host: readSetting("docker.host"),
    runtime: choice.boundary === "gvisor" ? GVISOR_RUNTIME : runtime === GVISOR_RUNTIME ? "" : runtime,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== ""));
}
