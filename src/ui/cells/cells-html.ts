import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import { escapeHtml } from "../escape-html.ts";

/** What the page is made from: addresses as the web view may load them. */
export interface PageSources {
  readonly cspSource: string;
  readonly scriptUri: string;
  readonly styleUri: string;
}

/**
 * The page without cells, which come by messages. It loads our script and our style, and nothing else from anywhere;
 * pictures come as data. Styles may stand in elements only because HTML that a cell shows has some, and is drawn in a frame
 * that has this page's policy: nothing that comes from a cell becomes an element of the page itself.
 */
export function toCellsHtml({ cspSource, scriptUri, styleUri }: PageSources): string {
  const nonce = randomBytes(16).toString("base64");
  const policy = `default-src 'none'; img-src data:; style-src ${cspSource} 'unsafe-inline'; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="${escapeHtml(vscode.env.language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${escapeHtml(styleUri)}">
<title>${text(vscode.l10n.t("Results"))}</title>
</head>
<body>
<header>
<h1 id="title"></h1>
<div class="tools" role="toolbar" aria-label="${text(vscode.l10n.t("Results"))}">
<button id="stop" type="button">${text(vscode.l10n.t("Stop"))}</button>
<button id="restart" type="button">${text(vscode.l10n.t("Restart Context"))}</button>
<button id="clear" type="button">${text(vscode.l10n.t("Clear"))}</button>
</div>
<p id="announcement" role="status" class="unseen"></p>
</header>
<p id="empty" hidden>${text(vscode.l10n.t("What cells of this file print and show comes here."))}</p>
<main id="cells"></main>
${toTemplates()}
<script nonce="${nonce}" src="${escapeHtml(scriptUri)}"></script>
</body>
</html>`;
}

/** What each cell and each result is made from. */
function toTemplates(): string {
  return `<template id="cell"><article>
<header>
<span class="count"></span>
<button type="button" class="source link" data-action="goto" title="${text(vscode.l10n.t("Go to Cell"))}"></button>
<span class="state"></span>
<span class="time"></span>
<span class="tools">
<button type="button" data-action="review" class="link"></button>
<button type="button" data-action="stop">${text(vscode.l10n.t("Stop"))}</button>
<button type="button" data-action="rerun">${text(vscode.l10n.t("Run Again"))}</button>
</span>
</header>
<ul class="notes" hidden></ul>
<button type="button" class="skipped link" data-action="log" hidden></button>
<pre class="text" tabindex="0" aria-label="${text(vscode.l10n.t("Output"))}" hidden></pre>
<div class="results"></div>
</article></template>
<template id="result"><figure>
<div class="tools">
<select class="form" aria-label="${text(vscode.l10n.t("Show as"))}"></select>
<button type="button" data-result="copy">${text(vscode.l10n.t("Copy"))}</button>
<button type="button" data-result="save">${text(vscode.l10n.t("Save as…"))}</button>
</div>
<div class="body"></div>
</figure></template>`;
}

/** Translators write these. */
function text(translated: string): string {
  return escapeHtml(translated);
}
