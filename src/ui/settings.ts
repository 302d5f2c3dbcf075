import * as vscode from "vscode";
import type { NetworkPolicy, ProviderId } from "../core/provider.ts";
import { SandboxError } from "../core/sandbox-error.ts";
import type { LanguageMap } from "../sessions/records.ts";

/** Every setting there is, without the "sandpiper." in front. Defaults are in package.json alone. */
export interface SettingTypes {
  readonly provider: ProviderId;
  readonly network: NetworkPolicy;
  readonly allowedHosts: readonly string[];
  readonly ports: readonly number[];
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly maxProcesses: number;
  readonly diskMiB: number;
  readonly lifetimeMinutes: number;
  readonly "local.boundary": "namespaces" | "gvisor";
  readonly "docker.image": string;
  readonly "docker.context": string;
  readonly "docker.host": string;
  readonly "docker.runtime": string;
  readonly "modal.image": string;
  readonly "modal.dockerfile": readonly string[];
  readonly "modal.environment": string;
  readonly "modal.app": string;
  readonly "modal.regions": readonly string[];
  readonly "modal.cloud": string;
  readonly "modal.secrets": readonly string[];
  readonly "modal.maxConcurrent": number;
  readonly "modal.exitSnapshot": boolean;
  readonly "modal.memorySnapshot": boolean;
  readonly "e2b.template": string;
  readonly "e2b.autoPause": boolean;
  readonly "e2b.maxConcurrent": number;
  readonly "e2b.domain": string;
  readonly "daytona.image": string;
  readonly "daytona.region": string;
  readonly "daytona.spot": boolean;
  readonly "daytona.autoArchiveMinutes": number;
  readonly "daytona.maxConcurrent": number;
  readonly "daytona.apiUrl": string;
  readonly gpu: string;
  readonly gpuFallbacks: readonly string[];
  readonly warmPool: number;
  readonly "budget.perRunUsd": number;
  readonly "budget.perDayUsd": number;
  readonly prices: Readonly<Record<string, number>>;
  readonly "run.timeoutMinutes": number;
  readonly "run.languages": LanguageMap;
  readonly "run.env": Readonly<Record<string, string>>;
  readonly "sync.maxFileMiB": number;
  readonly "sync.maxUploadMiB": number;
  readonly "snapshots.maxCount": number;
  readonly "snapshots.maxAgeDays": number;
  readonly "snapshots.maxTotalMiB": number;
  readonly saveBeforeRun: "none" | "file" | "all";
  readonly "codeLens.enabled": boolean;
}

/** One typed read. @throws {SandboxError} `invalid` when package.json declares no such setting, or its value has another type than the default's. */
export function readSetting<K extends keyof SettingTypes>(key: K, scope?: vscode.Uri): SettingTypes[K] {
  const configuration = vscode.workspace.getConfiguration("sandpiper", scope);
  const value = configuration.get<SettingTypes[K]>(key);
  const expected = configuration.inspect(key)?.defaultValue;
  const isLikeDefault = typeof value === typeof expected && Array.isArray(value) === Array.isArray(expected);
  if (value === undefined || value === null || !isLikeDefault) {
    throw new SandboxError("invalid", vscode.l10n.t("The setting sandpiper.{0} has a value it cannot have.", key));
  }
  return value;
}

/** Changes a setting of the user's, for every folder. */
export async function writeSetting<K extends keyof SettingTypes>(key: K, value: SettingTypes[K]): Promise<void> {
  await vscode.workspace.getConfiguration("sandpiper").update(key, value, vscode.ConfigurationTarget.Global);
}
