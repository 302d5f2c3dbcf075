import type { SecretLintRuleContext, SecretLintSourceCode } from "@secretlint/types";
import type { SecretSpan } from "./secret-rules.ts";

/** Which rules these are: verdicts of other ones are worth nothing. */
export const LIBRARY_VERSION = "13.0.7";

/**
 * Rules of secretlint's recommended set (MIT, https://github.com/secretlint/secretlint) -> what they find, for people.
 * Not among them: `gcp`, which reads files by itself (its keys are private keys too), and the one for comments that turn
 * rules off.
 */
export const LIBRARY_KINDS: Readonly<Record<string, string>> = {
  "1password": "1Password token",
  anthropic: "Anthropic key",
  aws: "AWS secret key",
  basicauth: "password in a URL",
  cloudflare: "Cloudflare token",
  "database-connection-string": "password in a URL",
  databricks: "Databricks token",
  docker: "Docker token",
  figma: "Figma token",
  github: "GitHub token",
  gitlab: "GitLab token",
  grafana: "Grafana token",
  groq: "Groq key",
  "hashicorp-vault": "Vault token",
  huggingface: "Hugging Face token",
  linear: "Linear key",
  notion: "Notion token",
  npm: "npm token",
  openai: "OpenAI key",
  privatekey: "private key",
  sendgrid: "SendGrid key",
  shopify: "Shopify key",
  slack: "Slack token",
  stripe: "Stripe key",
  tailscale: "Tailscale key",
  vercel: "Vercel token",
};

/**
 * What every text that one of those rules finds something in has: the beginning of each rule's pattern, without what it
 * asks of the surroundings. One pass with it spares 26 over nearly all files.
 */
export const LIBRARY_MARKERS: readonly string[] = [
  "PRIVATE KEY",
  "(?:[aA]ccess|ACCESS)_?(?:[kK]ey|KEY)[\"']?\\s*[:=]",
  "://[^:/\\s]{1,256}:[^@/\\s]{1,256}@",
  "[hH][oO][oO][kK][sS]\\.[sS][lL][aA][cC][kK]",
  "npm_[A-Za-z0-9_]{36}",
  "xox[a-z]-",
  "xapp-",
  "sk-(?:proj|svcacct|admin|ant)-|T3BlbkFJ",
  "gsk_[a-zA-Z0-9]{52}",
  "hf_[a-zA-Z]{34}",
  "lin_api_",
  "ntn_[0-9]",
  "SG\\.\\w{1,128}\\.",
  "shp(?:pa|ca|at|ss)_",
  "[sr]k_(?:live|test)_[a-zA-Z0-9]{24}",
  "gh[pousr]_[A-Za-z0-9_]{20}|github_pat_",
  "ghs_[0-9]",
  "glpat-",
  "gl(?:c|sa)_[A-Za-z0-9+/]{32}",
  "ops_ey",
  "hv[sbr]\\.[A-Za-z0-9_-]{90}",
  "vc[pirak]_[A-Za-z0-9]{20}",
  "dapi[A-Fa-f0-9]{32}",
  "dckr_pat_",
  "figd_",
  "cf(?:k|ut|at)_[A-Za-z0-9]{40}",
  "tskey-",
];

/** All spans of those rules. The library is loaded when first asked for. */
export async function findByLibrary(text: string): Promise<readonly SecretSpan[]> {
  const { creator } = await import("@secretlint/secretlint-rule-preset-recommend");
  const found: SecretSpan[] = [];
  for (const rule of creator.rules) {
    const kind = LIBRARY_KINDS[toRuleName(rule.meta.id)];
    if (kind === undefined) continue;
    const handler = rule.create(toContext(text, kind, found), {});
    await handler.file?.(toSource(text));
  }
  return found;
}

/** "github" of "@secretlint/secretlint-rule-github". */
export function toRuleName(id: string): string {
  return id.replace(/^.*-rule-/, "");
}

// What a rule names in its message is the credential itself; its range is of all that it matched.
function toContext(text: string, kind: string, found: SecretSpan[]): SecretLintRuleContext {
  let named: readonly unknown[] = [];
  return {
    sharedOptions: {},
    createTranslator: () => (messageId, data) => {
      named = Object.values(data ?? {});
      return { message: "", messageId: String(messageId), data };
    },
    report({ range: [start, end] }) {
      const name = named.find((value) => typeof value === "string" && value.length >= 8 && text.includes(value));
      const credential = typeof name === "string" ? name : text.slice(start, end);
      found.push({ kind, credential, index: Math.max(start, text.indexOf(credential, start)) });
    },
    ignore() {},
  };
}

// No rule among these asks for more than the text.
function toSource(text: string): SecretLintSourceCode {
  const nowhere = { line: 1, column: 0 };
  return {
    hasBOM: false,
    content: text,
    filePath: undefined,
    physicalFilePath: undefined,
    contentType: "text",
    ext: "",
    getFilePath: () => undefined,
    getPhysicalFilePath: () => undefined,
    locationToRange: () => [0, 0],
    rangeToLocation: () => ({ start: nowhere, end: nowhere }),
    positionToIndex: () => 0,
    indexToPosition: () => nowhere,
  };
}
