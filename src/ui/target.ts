import * as vscode from "vscode";
import type { Boundary, ProviderId } from "../core/provider.ts";
import type { Target } from "../sessions/records.ts";
import type { ImageSetting } from "./image-setting.ts";
import { readProjectPorts } from "./project-file.ts";
import { readSetting, writeSetting } from "./settings.ts";

/** GPUs to run with: `gpu` is "" for none; the others as `Target.gpu` and `Target.gpuFallbacks`. */
export interface GpuChoice {
  readonly gpu: string;
  readonly fallbacks: readonly string[];
}

/** One line of the provider picker. */
export interface TargetChoice {
  readonly id: string;
  readonly label: string;
  readonly detail: string;
  readonly providerId: ProviderId;
  readonly boundary: Boundary;
  /** Picked for this once; the settings' own when left out. */
  readonly gpu?: GpuChoice;
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
    ...listCloudChoices(),
  ];
}

function listCloudChoices(): readonly TargetChoice[] {
  return [
    {
      id: "modal",
      label: vscode.l10n.t("Modal"),
      detail: vscode.l10n.t("gVisor, GPUs, in the cloud. Needs an account, and costs while a sandbox lives."),
      providerId: "modal",
      boundary: "gvisor",
    },
    {
      id: "e2b",
      label: vscode.l10n.t("E2B"),
      detail: vscode.l10n.t("A micro-VM in the cloud. Needs an account, and costs while a sandbox lives."),
      providerId: "e2b",
      boundary: "microvm",
    },
    {
      id: "daytona",
      label: vscode.l10n.t("Daytona"),
      detail: vscode.l10n.t("A container, GPUs, in the cloud. Needs an account, and costs while a sandbox lives."),
      providerId: "daytona",
      boundary: "container",
    },
  ];
}

/** The choice that the settings make. */
export function readTargetChoice(): TargetChoice {
  const providerId = readSetting("provider");
  const isGvisor: Readonly<Record<ProviderId, () => boolean>> = {
    local: () => readSetting("local.boundary") === "gvisor",
    docker: () => readSetting("docker.runtime") === GVISOR_RUNTIME,
    modal: () => true,
    e2b: () => false,
    daytona: () => false,
  };
  return findChoice(providerId, isGvisor[providerId]());
}

/** Makes a choice the user's own default. */
export async function writeTargetChoice({ providerId, boundary }: TargetChoice): Promise<void> {
  const isGvisor = boundary === "gvisor";
  if (providerId === "local") await writeSetting("local.boundary", isGvisor ? "gvisor" : "namespaces");
  if (providerId === "docker" && isGvisor) await writeSetting("docker.runtime", GVISOR_RUNTIME);
  if (providerId === "docker" && !isGvisor && readSetting("docker.runtime") === GVISOR_RUNTIME)
    await writeSetting("docker.runtime", "");
  await writeSetting("provider", providerId);
}

type OwnPart = Pick<Target, "options" | "image" | "gpu" | "gpuFallbacks" | "ports">;

/** Where to run, complete: the choice (the settings' own when left out) with everything else from the settings. */
export function readTarget(folder: vscode.Uri | undefined, choice: TargetChoice = readTargetChoice()): Target {
  const own: Readonly<Record<ProviderId, () => OwnPart>> = {
    local: () => ({ options: choice.boundary === "gvisor" ? { boundary: "gvisor" } : {} }),
    docker: () => ({ options: readDockerOptions(choice), ...readImage("docker.image", folder) }),
    modal: () => ({
      options: readModalOptions(folder),
      ...readImage("modal.image", folder),
      ...readGpu(choice),
      ...readPorts(folder),
    }),
    e2b: () => ({ options: readE2bOptions(), ...readImage("e2b.template", folder) }),
    daytona: () => ({ options: readDaytonaOptions(), ...readImage("daytona.image", folder), ...readGpu(choice) }),
  };
  const network = readSetting("network");
  return {
    providerId: choice.providerId,
    ...own[choice.providerId](),
    network,
    ...(network === "allow-list" ? { allowedHosts: readSetting("allowedHosts") } : {}),
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
  const names: Readonly<Record<ProviderId, string>> = {
    local: vscode.l10n.t("Local"),
    docker: vscode.l10n.t("Docker"),
    modal: vscode.l10n.t("Modal"),
    e2b: vscode.l10n.t("E2B"),
    daytona: vscode.l10n.t("Daytona"),
  };
  return names[providerId];
}

function findChoice(providerId: ProviderId, isGvisor: boolean): TargetChoice {
  const ofProvider = listTargetChoices().filter((choice) => choice.providerId === providerId);
  const found = ofProvider.find((choice) => (choice.boundary === "gvisor") === isGvisor) ?? ofProvider[0];
  if (!found) throw new TypeError(`No choice for the provider ${providerId}`);
  return found;
}

function readImage(key: ImageSetting, folder: vscode.Uri | undefined): { readonly image?: string } {
  const image = readSetting(key, folder);
  return image === "" ? {} : { image };
}

function readDockerOptions(choice: TargetChoice): Record<string, string> {
  const runtime = readSetting("docker.runtime");
  return withoutEmpty({
    context: readSetting("docker.context"),
    host: readSetting("docker.host"),
    runtime: choice.boundary === "gvisor" ? GVISOR_RUNTIME : runtime === GVISOR_RUNTIME ? "" : runtime,
  });
}

function readModalOptions(folder: vscode.Uri | undefined): Record<string, string> {
  return withoutEmpty({
    environment: readSetting("modal.environment"),
    app: readSetting("modal.app"),
    regions: readSetting("modal.regions").join(","),
    cloud: readSetting("modal.cloud"),
    dockerfile: readSetting("modal.dockerfile", folder).join("\n"),
    secrets: readSetting("modal.secrets").join(","),
    maxConcurrent: toText(readSetting("modal.maxConcurrent")),
    exitSnapshot: toText(readSetting("modal.exitSnapshot")),
    memorySnapshot: toText(readSetting("modal.memorySnapshot")),
  });
}

function readE2bOptions(): Record<string, string> {
  return withoutEmpty({
    domain: readSetting("e2b.domain"),
    autoPause: toText(readSetting("e2b.autoPause")),
    maxConcurrent: toText(readSetting("e2b.maxConcurrent")),
  });
}

function readDaytonaOptions(): Record<string, string> {
  return withoutEmpty({
    apiUrl: readSetting("daytona.apiUrl"),
    region: readSetting("daytona.region"),
    spot: toText(readSetting("daytona.spot")),
    autoArchiveMinutes: toText(readSetting("daytona.autoArchiveMinutes")),
    maxConcurrent: toText(readSetting("daytona.maxConcurrent")),
  });
}

/** As options have it; "" for what leaves the matter to the provider: 0 and false. */
function toText(value: number | boolean): string {
  return value === 0 || value === false ? "" : String(value);
}

function readGpu(choice: TargetChoice): Pick<Target, "gpu" | "gpuFallbacks"> {
  const { gpu, fallbacks } = choice.gpu ?? { gpu: readSetting("gpu"), fallbacks: readSetting("gpuFallbacks") };
  if (gpu === "") return {};
  return fallbacks.length === 0 ? { gpu } : { gpu, gpuFallbacks: fallbacks };
}

/** Those of the settings and of the folder's own file, in ascending order: the same ones make the same target. */
function readPorts(folder: vscode.Uri | undefined): Pick<Target, "ports"> {
  const declared = [...readSetting("ports", folder), ...(folder ? readProjectPorts(folder) : [])];
  const ports = [...new Set(declared)].sort((a, b) => a - b);
  return ports.length === 0 ? {} : { ports };
}

function withoutEmpty(options: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== ""));
}
