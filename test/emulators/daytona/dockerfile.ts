/** What the emulator understands of a Dockerfile. */
export interface Dockerfile {
  /** "python:3.13" */
  readonly from: string;
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string | undefined;
  /** Commands to run, in order. */
  readonly runs: readonly string[];
  /** Instructions that are not understood, as they stand there. */
  readonly others: readonly string[];
}

const IGNORED = new Set(["CMD", "ENTRYPOINT", "LABEL", "EXPOSE", "MAINTAINER", "STOPSIGNAL", "SHELL"]);

/** https://docs.docker.com/reference/dockerfile/ */
export function readDockerfile(content: string): Dockerfile {
  const lines = content.replaceAll(/\\\n/g, " ").split("\n");
  const instructions = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  const of = (name: string) =>
    instructions.filter((line) => toName(line) === name).map((line) => line.slice(name.length).trim());
  const known = new Set([...IGNORED, "FROM", "ENV", "WORKDIR", "RUN"]);
  return {
    from: of("FROM")[0] ?? "",
    env: Object.fromEntries(of("ENV").map(toVariable)),
    workdir: of("WORKDIR").at(-1),
    runs: of("RUN"),
    others: instructions.filter((line) => !known.has(toName(line))),
  };
}

function toName(line: string): string {
  return (line.split(/\s/)[0] ?? "").toUpperCase();
}

/** "NAME=value", 'NAME="a value"' or "NAME value". */
function toVariable(given: string): [name: string, value: string] {
  const [, name = "", value = ""] = /^([^\s=]+)[=\s](.*)$/.exec(given) ?? [];
  return [name, value.replace(/^(["'])(.*)\1$/, "$2")];
}
