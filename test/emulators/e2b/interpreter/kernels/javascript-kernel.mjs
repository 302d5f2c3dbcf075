// oxlint-disable typescript/no-unsafe-assignment -- it runs in sandboxes, where nothing strips types
// Interprets JavaScript: reads a cell a line from its input, as JSON, and writes what comes of it, a message a line. The
// messages are those of E2B's interpreter. Types are stripped where this version of Node can.

import { writeSync } from "node:fs";
import nodeModule from "node:module";
import { createInterface } from "node:readline";
import { format, inspect } from "node:util";
import { runInThisContext } from "node:vm";

const send = (message) => writeSync(1, `${JSON.stringify(message)}\n`);
const print =
  (type) =>
  (...values) =>
    send({ type, text: `${format(...values)}\n`, timestamp: new Date().toISOString() });

globalThis.require = nodeModule.createRequire(`${process.cwd()}/`);
globalThis.display = (value) => send({ type: "result", is_main_result: false, ...toFormats(value) });
for (const name of ["log", "info", "debug"]) console[name] = print("stdout");
for (const name of ["warn", "error", "trace"]) console[name] = print("stderr");
process.stdout.write = (text) => print("stdout")(String(text).replace(/\n$/, "")) > 0;

/** A cell that is interrupted is over; what it waits for is not waited for. */
let interrupt = () => {};
process.on("SIGINT", () => interrupt());

async function main() {
  let number = 0;
  for await (const line of createInterface({ input: process.stdin })) await runCell(JSON.parse(line), (number += 1));
}

async function runCell({ code, env }, number) {
  const before = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]));
  Object.assign(process.env, env);
  send({ type: "number_of_executions", execution_count: number });
  const interrupted = new Promise((_resolve, reject) => {
    interrupt = () => reject(new Error("Interrupted"));
  });
  try {
    const value = await Promise.race([evaluate(code, `cell-${number}.js`), interrupted]);
    if (value !== undefined) send({ type: "result", is_main_result: true, ...toFormats(value) });
  } catch (error) {
    const { name = "Error", message = String(error), stack = "" } = error ?? {};
    send({ type: "error", name, value: message, traceback: stack });
  }
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  send({ type: "end_of_execution" });
}

/** What stands at the top level stays: declarations become those of the context. */
function evaluate(code, filename) {
  const plain = nodeModule.stripTypeScriptTypes?.(code) ?? code;
  const options = { filename, breakOnSigint: true };
  if (!/\bawait\b/.test(plain)) return runInThisContext(plain.replaceAll(/^(?:const|let)\b/gm, "var"), options);
  const shared = plain.replaceAll(/^(?:const|let|var)\s+(\w+)\s*=/gm, "globalThis.$1 =");
  const lines = shared.trimEnd().split("\n");
  const last = lines.pop() ?? "";
  const body = /^(?:return|if|for|while|throw|}|globalThis)/.test(last) ? last : `return (${last.replace(/;$/, "")});`;
  return runInThisContext(`(async () => {\n${[...lines, body].join("\n")}\n})()`, options);
}

function toFormats(value) {
  const text = typeof value === "string" ? value : inspect(value);
  const isPlain = typeof value === "object" && value !== null && !(value instanceof Error);
  return isPlain ? { text, json: JSON.parse(JSON.stringify(value)) } : { text };
}

void main();
