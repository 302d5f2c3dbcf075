import * as vscode from "vscode";
import type { Logger } from "../core/logger.ts";
import { showError } from "./show-error.ts";

/** What VS Code hands to a command: from the palette nothing, from a menu a resource or an item, from a lens what we gave it. */
export type CommandArgument = unknown;

/**
 * Registers a command whose errors reach the user in the one place for that, and are never thrown back at VS Code. A view
 * in which several rows can be selected hands over those as well.
 */
export function registerCommand(
  id: string,
  logger: Logger,
  handler: (argument: CommandArgument, selection: CommandArgument) => Promise<unknown>,
): vscode.Disposable {
  return vscode.commands.registerCommand(id, async (argument: CommandArgument, selection: CommandArgument) => {
    logger.info(id);
    try {
      return await handler(argument, selection);
    } catch (error) {
      if (!isAbort(error)) showError(error, logger);
      return undefined;
    }
  });
}

/** Runs `work` under a notification with a Cancel button: the only bridge from VS Code's cancellation to ours. */
export function withProgress<T>(
  title: string,
  work: (signal: AbortSignal, report: (message: string) => void) => Promise<T>,
): Promise<T> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return Promise.resolve(
    vscode.window.withProgress(options, async (progress, token) => {
      const controller = new AbortController();
      const listener = token.onCancellationRequested(() => controller.abort());
      try {
        return await raceAbort(
          work(controller.signal, (message) => progress.report({ message })),
          controller.signal,
        );
      } finally {
        listener.dispose();
      }
    }),
  );
}

/** Rejects when the signal aborts, whether or not the work heeds it. */
function raceAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
