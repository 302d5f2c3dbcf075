import * as vscode from "vscode";
import type { BatchPlan } from "../../sessions/cloud-records.ts";
import type { Target } from "../../sessions/records.ts";
import { EditorError } from "../show-error.ts";
import type { CommandDeps } from "./command-deps.ts";

/** As the engine has it. */
const MAX_COUNT = 10_000;
const MEMENTO_KEY = "lastPlan";

/** Asks how many sandboxes, and how many of them at once; what was said last is proposed. Undefined when the user breaks off. */
export async function askForPlan({ memento }: CommandDeps, target: Target): Promise<BatchPlan | undefined> {
  const last = memento.get<BatchPlan | undefined>(MEMENTO_KEY, undefined);
  const count = await askForNumber({
    title: vscode.l10n.t("Run On Many: How Many Sandboxes?"),
    prompt: vscode.l10n.t("Each runs the same, and knows which one it is by SANDPIPER_INDEX, from 0."),
    value: String(last?.count ?? 10),
    most: MAX_COUNT,
  });
  if (typeof count !== "number") return undefined;
  const concurrency = await askForNumber({
    title: vscode.l10n.t("Run On Many: How Many at Once?"),
    prompt: describeLimit(target),
    value: last?.concurrency === undefined ? "" : String(Math.min(last.concurrency, count)),
    most: count,
    isOptional: true,
  });
  if (concurrency === undefined) return undefined;
  const plan = { count, ...(concurrency === "none" ? {} : { concurrency }) };
  await memento.update(MEMENTO_KEY, plan);
  return plan;
}

function describeLimit({ options }: Target): string {
  const limit = options["maxConcurrent"];
  return limit === undefined
    ? vscode.l10n.t("The rest waits. Leave it empty for as many as the provider allows.")
    : vscode.l10n.t("The rest waits. Leave it empty for as many as the provider allows: {0} by your setting.", limit);
}

interface Question {
  readonly title: string;
  readonly prompt: string;
  readonly value: string;
  readonly most: number;
  /** Nothing at all is an answer too. */
  readonly isOptional?: boolean;
}

/** "none" for an empty answer to a question that takes one; undefined when the user breaks off. @throws {EditorError} `invalid` */
async function askForNumber({ most, isOptional, ...options }: Question): Promise<number | "none" | undefined> {
  const read = (text: string): number | "none" | undefined => {
    if (isOptional && text.trim() === "") return "none";
    const number = /^\d{1,6}$/.test(text.trim()) ? Number(text) : 0;
    return number >= 1 && number <= most ? number : undefined;
  };
  const wrong = vscode.l10n.t("A whole number from 1 to {0}", most.toLocaleString());
  const text = await vscode.window.showInputBox({
    ...options,
    validateInput: (value) => (read(value) === undefined ? wrong : undefined),
  });
  if (text === undefined) return undefined;
  const answer = read(text);
  if (answer === undefined) throw new EditorError("invalid", wrong, []);
  return answer;
}
