import { spawn } from "node:child_process";

/** A command that failed; the message ends with what it said. */
export class CommandFailed extends Error {
  /** @param {string} command @param {string} output */
  constructor(command, output) {
    super(`\`${command}\` failed:\n${shorten(output)}`);
    this.name = "CommandFailed";
  }
}

/**
 * Runs a program to its end and keeps what it says to itself. Nothing that npm tells its scripts is handed on: a nested
 * npm would take it for its own.
 * @param {readonly string[]} argv
 * @param {{cwd?: string, env?: Readonly<Record<string, string>>}} [options]
 * @returns {Promise<string>} stdout and stderr as they came
 */
export function runCommand(argv, options = {}) {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? process.cwd(),
      env: { ...toPlainEnv(process.env), ...options.env },
      // The terminal stays reachable for sudo, which asks on /dev/tty.
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (/** @type {string} */ text) => {
        output += text;
      });
    }
    child.once("error", (error) => reject(new CommandFailed(argv.join(" "), error.message)));
    child.once("close", (code) => {
      if (code === 0) resolve(output);
      else reject(new CommandFailed(argv.join(" "), output));
    });
  });
}

/**
 * The environment without npm's words to its scripts and without those of a VS Code terminal.
 * @param {NodeJS.ProcessEnv} env
 */
export function toPlainEnv(env) {
  const kept = Object.entries(env).filter(([name]) => {
    return !/^(?:npm_(?:package|lifecycle)_.*|npm_config_local_prefix|npm_command|VSCODE_.*|PORT|PASSWORD)$/.test(name);
  });
  return Object.fromEntries(kept);
}

/** The cause often stands at the start, and the sum at the end. @param {string} text */
function shorten(text) {
  const lines = text.trimEnd().split("\n");
  return lines.length <= 40 ? lines.join("\n") : [...lines.slice(0, 20), "…", ...lines.slice(-20)].join("\n");
}
