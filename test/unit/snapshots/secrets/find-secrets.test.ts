import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { creator } from "@secretlint/secretlint-rule-preset-recommend";
import { findSecrets, MAX_SCANNED_BYTES } from "../../../../src/snapshots/secrets/find-secrets.ts";
import {
  LIBRARY_KINDS,
  LIBRARY_MARKERS,
  LIBRARY_VERSION,
  findByLibrary,
  toRuleName,
} from "../../../../src/snapshots/secrets/secret-library.ts";
import { SECRET_RULES, findKnownShapes } from "../../../../src/snapshots/secrets/secret-rules.ts";
import { toFakeToken } from "../../../fakes/fake-secrets.ts";

const HEX = "0123456789abcdef";
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const token = toFakeToken;
const KEY = ["PRIVATE", "KEY"].join(" ");
const PEM = `-----BEGIN ${KEY}-----\n${token("MII", 300)}\n-----END ${KEY}-----`;

/** What each rule of the library finds, by its name. */
const LIBRARY_EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  "1password": [`ops_${Buffer.from(JSON.stringify({ secret: token("", 108) })).toString("base64")}`],
  anthropic: [`${token("sk-ant-api03-", 93)}AA`],
  aws: [
    `aws_secret_access_key = ${token("", 40)}`,
    `"SecretAccessKey": "${token("", 40)}"`,
    `AWS_SECRET_KEY=x AWSSecretAccessKey=${token("", 40)}`,
  ],
  basicauth: [`https://deploy:${token("", 16)}@registry.internal.io/x`],
  cloudflare: [token("cfut_", 40) + token("", 8, HEX)],
  "database-connection-string": [
    `postgres://app:${token("", 16)}@db.internal:5432/app`,
    `MONGODB+SRV://app:${token("", 16)}@db.internal/app`,
    `jdbc:mysql://app:${token("", 16)}@db.internal/app`,
  ],
  databricks: [token("dapi", 32, HEX)],
  docker: [token("dckr_pat_", 27)],
  figma: [token("figd_", 42)],
  github: [token("ghp_", 36), token("gho_", 36), token("github_pat_", 82)],
  gitlab: [token("glpat-", 20)],
  grafana: [token("glc_", 60), `${token("glsa_", 32)}_${token("", 8, HEX)}`],
  groq: [token("gsk_", 52)],
  "hashicorp-vault": [token("hvs.", 95), token("hvb.", 150)],
  huggingface: [token("hf_", 34, LETTERS)],
  linear: [token("lin_api_", 40)],
  notion: [`${token("ntn_", 11, "0123456789")}${token("", 35)}`],
  npm: [token("npm_", 36)],
  openai: [`${token("sk-proj-", 74)}T3BlbkFJ${token("", 74)}`, `${token("sk-", 20)}T3BlbkFJ${token("", 20)}`],
  privatekey: [PEM, JSON.stringify({ private_key: PEM })],
  sendgrid: [`${token("SG.", 22)}.${token("", 43)}`],
  shopify: [token("shpat_", 32, HEX)],
  slack: [
    token(`xoxb-291640573820-`, 24),
    `https://hooks.slack.com/services/${token("T", 8)}/${token("B", 8)}/${token("", 24)}`,
  ],
  stripe: [token("sk_live_", 24), token("rk_test_", 30)],
  tailscale: [`tskey-auth-${token("k", 11)}-${token("", 24)}`],
  vercel: [token("vcp_", 40)],
};

/** The same for our own rules. */
const OWN_EXAMPLES: readonly (readonly [kind: string, text: string])[] = [
  ["AWS secret key", `id: ${token("AKIA", 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")}\nkey: ${token("a1B", 37)}`],
  ["Google API key", token("AIza", 35)],
  ["Google OAuth secret", token("GOCSPX-", 28)],
  ["GitLab token", token("glrt-", 20)],
  ["Slack token", token("xoxe-", 40)],
  ["Stripe webhook secret", token("whsec_", 32)],
  ["OpenAI key", token("sk-proj-", 60)],
  ["Anthropic key", token("sk-ant-admin01-", 90)],
  ["OpenRouter key", token("sk-or-v1-", 64, HEX)],
  ["PyPI token", token("pypi-AgEIcHlwaS5vcmc", 150)],
  ["npm token", `//registry.internal.io/:_authToken=${token("", 36)}`],
  ["Hugging Face token", token("hf_", 34)],
  ["Twilio token", `${token("AC", 32, HEX)}:${token("", 32, HEX)}`],
  ["Azure storage key", `AccountName=a;AccountKey=${token("", 86)}==;EndpointSuffix=core`],
  ["Azure shared access signature", `https://a.blob.core.windows.net/c?sv=2024-01-01&se=2030&sig=${token("", 43)}%3D`],
  ["DigitalOcean token", token("dop_v1_", 64, HEX)],
  ["Telegram bot token", `${token("", 10, "0123456789")}:AA${token("", 33)}`],
  ["password in a URL", `redis://:${token("", 16)}@cache.internal:6379`],
];

async function fingerprintOf(text: string, key: string): Promise<string | undefined> {
  return (await findSecrets(Buffer.from(text), key))[0]?.fingerprint;
}

async function kindsIn(text: string): Promise<readonly string[]> {
  return (await findSecrets(Buffer.from(text), "key")).map(({ kind }) => kind);
}

describe("the library's rules", () => {
  it("are all known here, by the version that is installed", () => {
    const names = creator.rules.map(({ meta }) => toRuleName(meta.id));

    expect(names.filter((name) => name !== "gcp" && name !== "filter-comments").sort()).toEqual(
      Object.keys(LIBRARY_KINDS).sort(),
    );
    expect(Object.keys(LIBRARY_EXAMPLES).sort()).toEqual(Object.keys(LIBRARY_KINDS).sort());
    expect(readFileSync("package.json", "utf8")).toContain(
      `"@secretlint/secretlint-rule-preset-recommend": "${LIBRARY_VERSION}"`,
    );
  });

  const examples = Object.entries(LIBRARY_EXAMPLES).flatMap(([name, texts]) => texts.map((text) => ({ name, text })));
  it.each(examples)("of $name find nothing that the markers would have passed over", async ({ name, text }) => {
    const kinds = (await findByLibrary(text)).map(({ kind }) => kind);

    expect(kinds).toContain(LIBRARY_KINDS[name]);
    expect(LIBRARY_MARKERS.some((marker) => new RegExp(marker).test(text))).toBe(true);
    expect(await kindsIn(`first line\n${text}\n`)).toContain(LIBRARY_KINDS[name]);
  });
});

describe("our own rules", () => {
  it("have an example each", () => {
    expect(OWN_EXAMPLES.map(([kind]) => kind)).toEqual(SECRET_RULES.map(({ kind }) => kind));
  });

  it.each(OWN_EXAMPLES)("find a %s, and so do the markers", (kind, text) => {
    expect([...findKnownShapes(text)].map((span) => span.kind)).toEqual([kind]);
    expect(SECRET_RULES.some(({ marker }) => new RegExp(marker).test(text))).toBe(true);
  });
});

describe("values of settings", () => {
  const value = token("", 32);

  it.each([
    `api_key = "${value}"`,
    `const clientSecret = '${value}';`,
    `  "password": "${value}",`,
    `config["auth_token"] = "${value}"`,
    `secretKey := \`${value}\``,
    `export SERVICE_TOKEN=${value}`,
    `db.password: ${value}\r`,
    `access_token => "${token("", 40, HEX)}"`,
  ])("are found in %s", async (line) => {
    expect(await kindsIn(`# settings\n${line}\n`)).toEqual(["secret value"]);
  });

  it.each([
    'api_key = "your-api-key-goes-here-1234"',
    'password = "changeme-changeme-changeme1"',
    'token = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"',
    'secret = "0123456789abcdef0123456789abcdef"',
    'token = "$SERVICE_TOKEN_FROM_ENV_1"',
    "const token = process.env.SERVICE_TOKEN_NUMBER_1;",
    'tokenType: "AccessTokenOfTheFirstKind2"',
    'password_reset_label = "resetYourPasswordHere1"',
    'token: "550e8400-e29b-41d4-a716-446655440000"',
    `token_url = "${value}"`,
    `nextToken = "${value}"`,
    `integrity = "sha512-${token("", 86)}=="`,
    'secret = "short1"',
  ])("are not found in %s", async (line) => {
    expect(await kindsIn(`${line}\n`)).toEqual([]);
  });
});

describe("a finding", () => {
  it("says where it is, of what kind and how it begins, and never what it is", async () => {
    const secret = token("ghp_", 36);

    const found = await findSecrets(Buffer.from(`é\n\n  x = "${secret}"\n`), "key");

    expect(found).toMatchObject([{ line: 3, kind: "GitHub token", hint: "ghp_…(40)" }]);
    expect(JSON.stringify(found)).not.toContain(secret.slice(0, 8));
  });

  it("has a fingerprint that is the same in every file and another for another credential or installation", async () => {
    const one = token("", 40);
    const other = token("b", 39);

    const first = await fingerprintOf(`aws_secret_access_key = ${one}\n`, "key");

    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(await fingerprintOf(`# more\nAWS_SECRET_ACCESS_KEY="${one}"\n`, "key")).toBe(first);
    expect(await fingerprintOf(`aws_secret_access_key = ${other}\n`, "key")).not.toBe(first);
    expect(await fingerprintOf(`aws_secret_access_key = ${one}\n`, "other")).not.toBe(first);
  });

  it("counts once where two rules find the same", async () => {
    expect(await kindsIn(`api_key = "${token("ghp_", 36)}"\n`)).toEqual(["GitHub token"]);
  });
});

describe("what is looked at", () => {
  const secret = `key = "${token("ghp_", 36)}"\n`;

  it("is no binary file, but Windows' own text", async () => {
    expect(await findSecrets(Buffer.from(`\0${secret}`), "key")).toEqual([]);
    expect(await findSecrets(Buffer.from(`\ufeff${secret}`, "utf16le"), "key")).toHaveLength(1);
  });

  it("is the first MiB of a file", async () => {
    const filler = "x\n".repeat(MAX_SCANNED_BYTES / 2);

    expect(await kindsIn(secret + filler)).toEqual(["GitHub token"]);
    expect(await kindsIn(filler + secret)).toEqual([]);
  });

  it.each(["localhost:5432", "127.0.0.1", "db.example.com", "example.org"])("is no password for %s", async (host) => {
    expect(await kindsIn(`postgres://app:${token("", 16)}@${host}/app\n`)).toEqual([]);
  });

  it.each(["user:password", "root:root", "app:secret", "user:pass"])(
    "is no worn-out password as in %s",
    async (login) => {
      expect(await kindsIn(`postgres://${login}@db.internal/app\n`)).toEqual([]);
    },
  );
});
