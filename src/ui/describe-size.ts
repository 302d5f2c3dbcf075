import * as vscode from "vscode";

/** "2 CPUs, 512 MiB", "1 CPU, 2 GiB". */
export function describeSize({ cpus, memoryMiB }: { readonly cpus: number; readonly memoryMiB: number }): string {
  const memory =
    memoryMiB % 1024 === 0
      ? vscode.l10n.t("{0} GiB", (memoryMiB / 1024).toLocaleString("en-US"))
      : vscode.l10n.t("{0} MiB", memoryMiB.toLocaleString("en-US"));
  return cpus === 1
    ? vscode.l10n.t("1 CPU, {0}", memory)
    : vscode.l10n.t("{0} CPUs, {1}", cpus.toLocaleString("en-US"), memory);
}
