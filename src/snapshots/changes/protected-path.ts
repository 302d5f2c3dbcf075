import { foldName } from "../path-gate.ts";

/** Names in lower case; a folder counts with all that is in it, wherever it is. */
interface Protection {
  readonly reason: string;
  readonly folders?: readonly string[];
  readonly files?: readonly string[];
  readonly pattern?: RegExp;
}

const AGENTS = "agents follow it by themselves";
const EDITOR = "your editor acts on it by itself";

const PROTECTIONS: readonly Protection[] = [
  { reason: "it belongs to Git", folders: [".git"], pattern: /(^|\/)git~\d/ },
  {
    reason: "Git runs it, or acts on it, by itself",
    folders: [".husky", ".githooks"],
    files: [".gitconfig", ".lfsconfig", ".pre-commit-config.yaml", ".overcommit.yml"],
    pattern: /(^|\/)\.?lefthook(-local)?\.(ya?ml|toml|json)$/,
  },
  {
    reason: EDITOR,
    folders: [".vscode", ".idea", ".run", ".zed", ".fleet", ".vs", ".nova", ".trunk"],
    files: [".dir-locals.el", ".exrc", ".vimrc", ".nvimrc", ".nvim.lua", ".lvimrc"],
    pattern: /\.(code-workspace|sublime-project)$/,
  },
  {
    reason: "linters and formatters in your editor run it by themselves",
    pattern: /(^|\/)(\.?(eslint|prettier|stylelint)rc(\.[a-z]+)?|(eslint|prettier|stylelint)\.config\.[a-z]+)$/,
  },
  { reason: "your editor builds and runs it to read the code", files: ["build.rs"] },
  { reason: "it says what a development container runs", folders: [".devcontainer"], files: [".devcontainer.json"] },
  {
    reason: AGENTS,
    folders: [
      ".cursor",
      ".claude",
      ".codex",
      ".gemini",
      ".windsurf",
      ".continue",
      ".roo",
      ".kiro",
      ".junie",
      ".opencode",
    ],
    files: [
      ".mcp.json",
      "claude.md",
      "claude.local.md",
      "agents.md",
      "agents.override.md",
      "agent.md",
      "gemini.md",
      ".cursorrules",
      ".windsurfrules",
      ".roomodes",
      ".goosehints",
      ".aider.conf.yml",
      "opencode.json",
    ],
    pattern:
      /(^|\/)(\.(clinerules|roorules)([-/]|$)|\.github\/(copilot-instructions\.md$|(instructions|prompts|chatmodes|agents|hooks|skills)\/))/,
  },
  {
    reason: "continuous integration runs it, with its secrets",
    folders: [".circleci", ".buildkite", ".woodpecker"],
    files: [
      ".gitlab-ci.yml",
      ".travis.yml",
      ".drone.yml",
      "azure-pipelines.yml",
      "bitbucket-pipelines.yml",
      "jenkinsfile",
    ],
    pattern: /(^|\/)\.github\/(workflows|actions)\//,
  },
  {
    reason: "it says what your shell runs, or what it takes into its environment",
    files: [
      ".envrc",
      ".tool-versions",
      ".bashrc",
      ".bash_profile",
      ".bash_login",
      ".bash_logout",
      ".profile",
      ".zshrc",
      ".zshenv",
      ".zprofile",
      ".zlogin",
      ".zlogout",
      ".cshrc",
      ".tcshrc",
      ".login",
      ".inputrc",
      "config.fish",
    ],
    pattern: /(^|\/)(\.env[^/]*|\.?mise(\.[^/]+)?\.toml|\.?(mise|config\/mise)\/config(\.[^/]+)?\.toml)$/,
  },
  {
    reason: "package managers and interpreters act on it by themselves",
    files: [
      ".npmrc",
      ".yarnrc",
      ".yarnrc.yml",
      ".pnpmfile.cjs",
      ".pypirc",
      "bunfig.toml",
      ".rprofile",
      ".irbrc",
      ".pryrc",
    ],
    pattern: /(^|\/)\.yarn\/(releases|plugins|sdks)\//,
  },
  { reason: "a debugger runs it when it starts", files: [".gdbinit", ".lldbinit"] },
  { reason: "it holds what proves who you are", folders: [".aws", ".kube", ".ssh", ".gnupg"], files: [".netrc"] },
  { reason: "it says which files leave this machine", files: [".sandboxignore"] },
];

const BY_FOLDER = new Map(PROTECTIONS.flatMap(({ reason, folders = [] }) => folders.map((name) => [name, reason])));
const BY_FILE = new Map(PROTECTIONS.flatMap(({ reason, files = [] }) => files.map((name) => [name, reason])));

/**
 * Why that file is applied only when it is named, for people ("it says what your shell runs"); undefined when it is not
 * special. Those are files that tools act on by themselves, so that bringing a changed one back could run something
 * outside of the sandbox. Compares as the most lenient file system does. For files that are protected by what is in
 * them, see `whyProtectedManifest`.
 */
export function whyProtectedPath(path: string): string | undefined {
  // Characters that HFS+ passes over in names.
  const folded = foldName(path.replace(/\p{Cf}/gu, ""));
  const names = folded.split("/");
  for (const name of names) {
    const reason = BY_FOLDER.get(name);
    if (reason) return reason;
  }
  return BY_FILE.get(names.at(-1) ?? "") ?? PROTECTIONS.find(({ pattern }) => pattern?.test(folded))?.reason;
}
