import { deepEqual, equal, rejects } from "node:assert/strict";
import * as vscode from "vscode";

function settings(): vscode.WorkspaceConfiguration {
  return vscode.workspace.getConfiguration("sandpiper");
}

/** The settings as VS Code itself sees them. */
export function describeSettings(): void {
  describe("a folder's settings", () => {
    for (const [key, value] of [
      ["provider", "docker"],
      ["network", "full"],
      ["docker.host", "tcp://203.0.113.1:2375"],
      ["local.boundary", "gvisor"],
      ["allowedHosts", ["203.0.113.0/24"]],
      ["modal.environment", "main"],
      ["modal.secrets", ["aws"]],
      ["gpu", "B200:8"],
      ["budget.perDayUsd", 1_000_000],
    ] as const) {
      it(`cannot say ${key}`, async () => {
        await rejects(async () => settings().update(key, value, vscode.ConfigurationTarget.Workspace));
      });
    }

    it("can say what is the folder's own business", async () => {
      await settings().update("run.env", { GREETING: "hello" }, vscode.ConfigurationTarget.Workspace);
      deepEqual(settings().get("run.env"), { GREETING: "hello" });

      await settings().update("run.env", undefined, vscode.ConfigurationTarget.Workspace);
      deepEqual(settings().get("run.env"), {});
    });
  });

  it("runs go to the local provider, without network, unless somebody says otherwise", () => {
    equal(settings().get("provider"), "local");
    equal(settings().get("network"), "none");
  });
}
