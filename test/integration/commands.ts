import { deepEqual, equal, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as vscode from "vscode";
import packageJson from "../../package.json" with { type: "json" };
import { inWorkspace, lensTitles, open } from "./editor.ts";

/** What is there before anything runs. */
export function describeCommands(): void {
  describe("the extension", () => {
    it("is active without an engine being started for it", async () => {
      const extension = vscode.extensions.getExtension("sandpiper.sandpiper");
      ok(extension);
      await extension.activate();

      equal(extension.isActive, true);
      equal(existsSync(join(process.env["SANDPIPER_STATE"] ?? "", "engine.log")), false);
    });

    it("registers every command that package.json lists", async () => {
      const registered = new Set(await vscode.commands.getCommands(true));
      const missing = packageJson.contributes.commands
        .map(({ command }) => command)
        .filter((id) => !registered.has(id));

      deepEqual(missing, []);
    });

    it("shows its lens above a script and above its main guard, and above no other text", async () => {
      await open("agent_task.py");
      const titles = await lensTitles(inWorkspace("agent_task.py"));

      ok(titles.includes("$(play)\u00a0Run in Sandbox"), titles.join());
      await open("notes.md");
      deepEqual(await lensTitles(inWorkspace("notes.md")), []);
    });
  });
}
