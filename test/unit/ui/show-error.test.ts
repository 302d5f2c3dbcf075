import { beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../../src/core/logger.ts";
import { SandboxError } from "../../../src/core/sandbox-error.ts";
import { registerCommand } from "../../../src/ui/register-command.ts";
import { EditorError, showError } from "../../../src/ui/show-error.ts";
import { resetFake, state } from "../../fakes/vscode.ts";
import { settle } from "./fake-engine.ts";

beforeEach(() => resetFake());

describe("showError", () => {
  it.each([
    [new SandboxError("unavailable", "Docker is not running."), "Docker is not running.", "Select Provider"],
    [new SandboxError("invalid", "No such file."), "No such file.", "Open Settings"],
    [new SandboxError("capacity", "No H100 is free now."), "No H100 is free now.", "Select GPU…"],
    [new SandboxError("quota", "Too many sandboxes."), "Too many sandboxes.", "Show Sessions"],
    [
      new SandboxError("invalid", 'Held back; to send it, add the line "!.env" to .sandboxignore.'),
      'Held back; to send it, add the line "!.env" to .sandboxignore.',
      "Edit .sandboxignore",
    ],
    [new SandboxError("auth", "You are not signed in to Modal."), "You are not signed in to Modal.", "Sign In…"],
    [new SandboxError("auth", "Log in to the registry."), "Log in to the registry.", "Select Provider"],
    [new TypeError("x is undefined"), "Sandpiper failed: x is undefined", "Show Logs"],
    [
      new EditorError("invalid", "No folder.", [{ title: "Open Folder", command: "vscode.openFolder" }]),
      "No folder.",
      "Open Folder",
    ],
  ])("shows %s with a button for the remedy", (error, message, button) => {
    showError(error, silentLogger);

    expect(state.messages).toMatchObject([{ level: "error", message }]);
    expect(state.messages[0]?.buttons).toContain(button);
  });

  it("leads from a budget that said no to where it is set, and to what was spent", async () => {
    const message = "Today's budget of $5.00 is used up ($5.02). Raise sandpiper.budget.perDayUsd.";
    state.answers = ["Open Settings"];
    showError(new SandboxError("blocked", message), silentLogger);
    await settle();

    expect(state.messages[0]?.buttons).toEqual(["Open Settings", "Show Costs"]);
    expect(state.executed).toEqual([{ command: "workbench.action.openSettings", args: ["sandpiper.budget"] }]);
  });

  it("leads to the prices where one that is not known keeps a budget from being kept", () => {
    const message =
      "The price of B300 is not known. Set it in sandpiper.prices, or take away the budget (sandpiper.budget).";
    showError(new SandboxError("blocked", message), silentLogger);

    expect(state.messages[0]?.buttons).toEqual(["Change Prices…", "Open Settings"]);
  });

  it("does what the button says", async () => {
    state.answers = ["Open Folder"];
    showError(
      new EditorError("invalid", "No folder.", [{ title: "Open Folder", command: "vscode.openFolder" }]),
      silentLogger,
    );
    await settle();

    expect(state.executed).toEqual([{ command: "vscode.openFolder", args: [] }]);
  });
});

describe("registerCommand", () => {
  it.each([
    ["shows what goes wrong", new SandboxError("quota", "Too many."), 1],
    ["says nothing of what the user cancelled", new DOMException("stopped", "AbortError"), 0],
  ])("%s", async (_, error, shown) => {
    registerCommand("x", silentLogger, async () => {
      throw error;
    });
    await state.commands.get("x")?.(undefined);

    expect(state.messages).toHaveLength(shown);
  });
});
