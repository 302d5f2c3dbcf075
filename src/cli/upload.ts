import { toDisplay } from "../core/workspace-path.ts";
import { DEFAULT_MAX_FILE_MIB } from "../sessions/default-target.ts";
import { explainPath as explain } from "../snapshots/rules/explain-path.ts";
import type { CliContext } from "./connect.ts";
import { describePreview } from "./describe-upload.ts";
import { TARGET_OPTIONS, toTarget } from "./parse-target.ts";
import { parseWords, withEngine } from "./with-engine.ts";
import { findWorkspaceRoot, toWorkspacePath } from "./workspace-root.ts";

const WORKSPACE_OPTION = { workspace: { type: "string" } } as const;

/** `sandpiper preview`: what the next run on a target would send. */
export async function previewUpload(context: CliContext): Promise<number> {
  const options = { ...TARGET_OPTIONS, ...WORKSPACE_OPTION, json: { type: "boolean" } } as const;
  const { values } = parseWords(context.args, options, 0);
  const request = {
    workspaceRoot: findWorkspaceRoot({ cwd: context.cwd, workspace: values.workspace }),
    target: toTarget(values, process.env),
    overlays: [],
    maxFileMiB: DEFAULT_MAX_FILE_MIB,
  };
  return await withEngine(context, async (engine, { print, printJson }) => {
    const preview = await engine.previewUpload(request);
    if (values.json) await printJson(preview);
    else for (const line of describePreview(preview)) await print(line);
    return 0;
  });
}

/** `sandpiper why`: 0 for a path that is sent, 1 for one that is not. Asks no engine. */
export async function explainPath(context: CliContext): Promise<number> {
  const { words, values } = parseWords(context.args, WORKSPACE_OPTION, 1, "Say which file or folder.");
  const file = words[0] ?? "";
  const root = findWorkspaceRoot({ cwd: context.cwd, file, workspace: values.workspace });
  const path = toWorkspacePath(root, context.cwd, file);
  const { isSent, reason } = explain(root, path, DEFAULT_MAX_FILE_MIB * 2 ** 20);
  const line = `${toDisplay(path)} is ${isSent ? "sent" : "not sent"}: ${reason}\n`;
  await new Promise<void>((resolve) => {
    process.stdout.write(line, () => resolve());
  });
  return isSent ? 0 : 1;
}

/** `sandpiper allow-secret`: for the workspace, from now on. */
export async function allowSecrets(context: CliContext): Promise<number> {
  const missing = "Say which: the fingerprints that a blocked run or sandpiper preview shows.";
  const { words, values } = parseWords(context.args, WORKSPACE_OPTION, Infinity, missing);
  const root = findWorkspaceRoot({ cwd: context.cwd, workspace: values.workspace });
  return await withEngine(context, async (engine) => {
    await engine.allowSecrets(root, words);
    return 0;
  });
}
