import * as vscode from "vscode";

/** As package.json names the language of `.sandboxignore`. */
const IGNORE_LANGUAGE = "sandboxignore";

/** Completes what is typed into ignore files, with what that takes loaded when one is edited. */
export function registerCompletion(): vscode.Disposable {
  const lazy: vscode.CompletionItemProvider = {
    provideCompletionItems: async (...typed) => {
      const { ignoreCompletion } = await import("./complete-ignore.ts");
      return await ignoreCompletion.provideCompletionItems(...typed);
    },
  };
  return vscode.languages.registerCompletionItemProvider(IGNORE_LANGUAGE, lazy, "/", "!");
}
