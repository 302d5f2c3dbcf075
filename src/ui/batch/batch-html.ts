import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import { escapeHtml } from "../escape-html.ts";
import { FILTERS, type SortKey } from "./batch-messages.ts";
import { describeFilter } from "./batch-rows.ts";

/** What the page is made from: addresses as the web view may load them. */
export interface PageSources {
  readonly cspSource: string;
  readonly scriptUri: string;
  readonly styleUri: string;
  readonly batchId: string;
}

/** The table without its rows, which come by messages. It loads our script and our style, and nothing else from anywhere. */
export function toBatchHtml({ cspSource, scriptUri, styleUri, batchId }: PageSources): string {
  const nonce = randomBytes(16).toString("base64");
  const policy = `default-src 'none'; style-src ${cspSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="${escapeHtml(vscode.env.language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${escapeHtml(styleUri)}">
<title>${text(vscode.l10n.t("Batch"))}</title>
</head>
<body data-batch="${escapeHtml(batchId)}">
<header>
<h1 id="title"></h1>
<p id="summary"></p>
<progress id="progress" max="1" value="0" aria-label="${text(vscode.l10n.t("Runs that have ended"))}"></progress>
<p id="announcement" role="status" class="unseen"></p>
</header>
<div class="tools" role="toolbar" aria-label="${text(vscode.l10n.t("Batch"))}">
<label for="filter">${text(vscode.l10n.t("Show"))}</label>
<select id="filter">${FILTERS.map((filter) => `<option value="${filter}">${text(describeFilter(filter))}</option>`).join("")}</select>
<button id="previous" type="button">${text(vscode.l10n.t("Previous"))}</button>
<span id="range"></span>
<button id="next" type="button">${text(vscode.l10n.t("Next"))}</button>
<button id="stop" type="button">${text(vscode.l10n.t("Stop All"))}</button>
</div>
<table aria-labelledby="title">
<thead><tr>${listColumns().map(toHeading).join("")}<th scope="col">${text(vscode.l10n.t("Actions"))}</th></tr></thead>
<tbody id="rows"></tbody>
</table>
<template id="row"><tr>
<th scope="row"></th><td class="state"></td><td></td><td class="number"></td><td class="number"></td><td></td>
<td class="actions">
<button type="button" data-action="log">${text(vscode.l10n.t("Output"))}</button>
<button type="button" data-action="terminal">${text(vscode.l10n.t("Terminal"))}</button>
<button type="button" data-action="review">${text(vscode.l10n.t("Review"))}</button>
</td>
</tr></template>
<script nonce="${nonce}" src="${escapeHtml(scriptUri)}"></script>
</body>
</html>`;
}

interface Column {
  readonly key: SortKey;
  readonly label: string;
}

function listColumns(): readonly Column[] {
  return [
    { key: "index", label: vscode.l10n.t("Run") },
    { key: "state", label: vscode.l10n.t("State") },
    { key: "exit", label: vscode.l10n.t("Exit") },
    { key: "duration", label: vscode.l10n.t("Time") },
    { key: "cost", label: vscode.l10n.t("Cost") },
    { key: "changes", label: vscode.l10n.t("Changes") },
  ];
}

function toHeading({ key, label }: Column): string {
  return `<th scope="col" aria-sort="none"><button type="button" data-sort="${key}">${text(label)}</button></th>`;
}

/** Translators write these. */
function text(translated: string): string {
  return escapeHtml(translated);
}
