import { toDisplay } from "../../core/workspace-path.ts";
import type { Verdict } from "./ignore-rules.ts";

/** Names of files that hold credentials by convention, whatever folder they are in. */
const SECRET_FILES = new Set([
  ".dockercfg",
  ".git-credentials",
  ".htpasswd",
  ".my.cnf",
  ".netrc",
  ".npmrc",
  ".pgpass",
  ".pypirc",
  ".s3cfg",
  ".boto",
  ".vault-token",
  "_netrc",
  "id_dsa",
  "id_ecdsa",
  "id_ecdsa_sk",
  "id_ed25519",
  "id_ed25519_sk",
  "id_rsa",
  // Private keys: "*.key" as such would hold back public keys, translations and presentations.
  "ca.key",
  "client.key",
  "localhost.key",
  "master.key",
  "priv.key",
  "private.key",
  "privatekey.key",
  "privkey.key",
  "server.key",
  "signing.key",
  "ssl.key",
  "tls.key",
]);

/** The same for files that only mean something in their folder. */
const SECRET_FILES_IN: Readonly<Record<string, ReadonlySet<string>>> = {
  ".docker": new Set(["config.json"]),
  ".cargo": new Set(["credentials", "credentials.toml"]),
  ".gem": new Set(["credentials"]),
  ".streamlit": new Set(["secrets.toml"]),
  ".composer": new Set(["auth.json"]),
  gh: new Set(["hosts.yml"]),
};

const SECRET_FOLDERS = new Set([".aws", ".azure", ".gcloud", ".gnupg", ".kube", ".ssh"]);
const SECRET_ENDINGS = /\.(?:pem|p12|pfx|jks|keystore|kdbx|ppk)$/;
const ENVIRONMENT_SAMPLE = /^\.env(?:\..+)?\.(?:example|sample|template)$/;

/** Made by a package manager for one machine: big, and of no use on another. */
const MACHINE_FOLDERS = new Set(["node_modules", ".venv", "__pycache__"]);
const LEFTOVER = /^\.sandpiper-[0-9a-f]+\.tmp$/;

/**
 * Why a name is left out by itself, before any `.gitignore`: credentials are kept in by default (names after GitHub's
 * and gitleaks' lists of files that hold them), and so are folders that are made for one machine.
 * @param folderName name of the folder that it is in; "" in the workspace itself
 */
export function whyLeftOutByName(folderName: string, name: string, isFolder: boolean): Verdict | undefined {
  const lower = name.toLowerCase();
  if (isFolder && MACHINE_FOLDERS.has(lower))
    return {
      kind: "built-in",
      reason: `made for this machine; to send it, add the line "!${toDisplay(name)}/" to .sandboxignore`,
    };
  if (!isFolder && LEFTOVER.test(name)) return { kind: "built-in", reason: "left over from an interrupted apply" };
  if (!isSecret(folderName.toLowerCase(), lower, isFolder)) return undefined;
  return {
    kind: "secret",
    reason: `held back because it may hold credentials; to send it, add the line "!${toDisplay(name)}${isFolder ? "/" : ""}" to .sandboxignore`,
  };
}

function isSecret(folderName: string, name: string, isFolder: boolean): boolean {
  if (name.startsWith(".env")) return !ENVIRONMENT_SAMPLE.test(name);
  if (isFolder) return SECRET_FOLDERS.has(name);
  return SECRET_FILES.has(name) || SECRET_ENDINGS.test(name) || (SECRET_FILES_IN[folderName]?.has(name) ?? false);
}
