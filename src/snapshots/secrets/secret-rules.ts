/** Something that looks like a credential, in a text. */
export interface SecretSpan {
  /** For people: "GitHub token". */
  readonly kind: string;
  readonly credential: string;
  /** Where it starts, in UTF-16 units. */
  readonly index: number;
}

/** A shape that secretlint's recommended rules lack. */
export interface SecretRule {
  readonly kind: string;
  /** Source of a pattern that every text with such a credential has, cheap to look for. */
  readonly marker: string;
  /** The credential is the group of that name, or all of it. */
  readonly pattern: RegExp;
}

/** Each after the vendor's own page, or GitHub's list of what it scans for (https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns). */
export const SECRET_RULES: readonly SecretRule[] = [
  {
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html: the id is no secret, what is beside it is.
    kind: "AWS secret key",
    marker: "(?:AKIA|ASIA)[A-Z0-9]{16}",
    pattern:
      /(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])[^]{1,200}?(?<![A-Za-z0-9/+=])(?<credential>(?=[^\s"']{0,39}[a-z])(?=[^\s"']{0,39}[A-Z])(?=[^\s"']{0,39}[0-9])[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/g,
  },
  {
    // https://cloud.google.com/docs/authentication/api-keys
    kind: "Google API key",
    marker: "AIza[\\w-]{35}",
    pattern: /(?<![\w-])AIza[\w-]{35}(?![\w-])/g,
  },
  {
    // https://developers.google.com/identity/protocols/oauth2
    kind: "Google OAuth secret",
    marker: "GOCSPX-|ya29\\.",
    pattern: /(?<![\w-])(?:GOCSPX-[\w-]{28}|ya29\.[\w-]{60,})(?![\w-])/g,
  },
  {
    // https://docs.gitlab.com/security/tokens/#token-prefixes
    kind: "GitLab token",
    marker: "gl(?:ptt|dt|rt|cbt|soat|oas|ft|imt|agent|ffct)-[\\w-]{20}",
    pattern: /(?<![\w-])gl(?:ptt|dt|rt|cbt|soat|oas|ft|imt|agent|ffct)-[\w-]{20,128}(?![\w-])/g,
  },
  {
    // https://api.slack.com/authentication/token-types
    kind: "Slack token",
    marker: "xox[ces]-",
    pattern: /(?<!\w)xox[ces]-[\w-]{20,255}(?![\w-])/g,
  },
  {
    // https://docs.stripe.com/webhooks#verify-official-libraries
    kind: "Stripe webhook secret",
    marker: "whsec_",
    pattern: /(?<!\w)whsec_[A-Za-z0-9+/]{32,64}={0,2}(?![\w+/])/g,
  },
  {
    // https://platform.openai.com/docs/api-reference/authentication: shapes without the middle part that secretlint asks for
    kind: "OpenAI key",
    marker: "sk-(?:proj|svcacct|admin)-[\\w-]{40}",
    pattern: /(?<![\w-])sk-(?:proj|svcacct|admin)-[\w-]{40,200}(?![\w-])/g,
  },
  {
    // https://docs.anthropic.com/en/api/admin-api/apikeys/get-api-key
    kind: "Anthropic key",
    marker: "sk-ant-",
    pattern: /(?<![\w-])sk-ant-[a-z]{3,5}\d\d-[\w-]{40,140}(?![\w-])/g,
  },
  {
    // https://openrouter.ai/docs/api-reference/authentication
    kind: "OpenRouter key",
    marker: "sk-or-v1-",
    pattern: /(?<![\w-])sk-or-v1-[0-9a-f]{64}(?!\w)/g,
  },
  {
    // https://pypi.org/help/#apitoken, https://github.com/pypi/warehouse/issues/7290
    kind: "PyPI token",
    marker: "pypi-AgE",
    pattern: /(?<![\w-])pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)[\w-]{50,1000}/g,
  },
  {
    // https://docs.npmjs.com/cli/configuring-npm/npmrc#auth-related-configuration: in files of any name
    kind: "npm token",
    marker: "_authToken=",
    pattern: /_authToken=["']?(?<credential>[\w/+.=-]{20,400})/g,
  },
  {
    // https://huggingface.co/docs/hub/security-tokens: secretlint asks for letters alone
    kind: "Hugging Face token",
    marker: "hf_[A-Za-z0-9]{34}",
    pattern: /(?<!\w)hf_[A-Za-z0-9]{34,40}(?!\w)/g,
  },
  {
    // https://www.twilio.com/docs/iam/api/authtoken: the account's id is no secret, what is beside it is.
    kind: "Twilio token",
    marker: "AC[0-9a-f]{32}",
    pattern: /(?<!\w)AC[0-9a-f]{32}(?!\w)[^]{1,200}?(?<!\w)(?<credential>[0-9a-f]{32})(?!\w)/g,
  },
  {
    // https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
    kind: "Azure storage key",
    marker: "(?:Account|SharedAccess)Key=",
    pattern: /(?:Account|SharedAccess)Key=(?<credential>[A-Za-z0-9+/]{42,88}={0,2})(?![\w+/])/g,
  },
  {
    // https://learn.microsoft.com/rest/api/storageservices/create-service-sas
    kind: "Azure shared access signature",
    marker: "[?&;]sig=",
    pattern: /(?:[?&;]s[evprt]=[^\s"'<>]{1,400})[&;]sig=(?<credential>(?:[A-Za-z0-9+/]|%2[BbFf]){43}(?:=|%3[Dd]))/g,
  },
  {
    // https://docs.digitalocean.com/reference/api/create-personal-access-token/
    kind: "DigitalOcean token",
    marker: "do[opr]_v1_",
    pattern: /(?<!\w)do[opr]_v1_[0-9a-f]{64}(?!\w)/g,
  },
  {
    // https://core.telegram.org/bots/features#botfather
    kind: "Telegram bot token",
    marker: "\\d:AA[\\w-]{33}",
    pattern: /(?<!\w)\d{8,10}:AA[\w-]{33}(?![\w-])/g,
  },
  {
    // https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1; http, ftp, mongodb, mysql and postgres are secretlint's
    kind: "password in a URL",
    marker: "(?:rediss?|amqps?|mssql|sqlserver|ldaps?|smtps?|mqtts?|clickhouse|nats|ssh|git)://",
    pattern:
      /\b(?:rediss?|amqps?|mssql|sqlserver|ldaps?|smtps?|mqtts?|clickhouse|nats|ssh|git):\/\/[^\s:/?#@"'`<>]{0,100}:(?<credential>[^\s:/?#@"'`<>{}$%]{6,200})@[\w.-]{1,200}/g,
  },
];

/** All spans of the rules above. */
export function* findKnownShapes(text: string): Iterable<SecretSpan> {
  for (const { kind, pattern } of SECRET_RULES) {
    for (const match of text.matchAll(pattern)) {
      const credential = match.groups?.["credential"] ?? match[0];
      yield { kind, credential, index: match.index + match[0].lastIndexOf(credential) };
    }
  }
}
