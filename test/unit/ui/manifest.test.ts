import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import packageJson from "../../../package.json" with { type: "json" };
import names from "../../../package.nls.json" with { type: "json" };
import bundle from "../../../l10n/bundle.l10n.json" with { type: "json" };
import { DEFAULT_MAX_FILE_MIB, DEFAULT_TARGET } from "../../../src/sessions/default-target.ts";
import { DEFAULT_RETENTION } from "../../../src/sessions/timeline/snapshot-retention.ts";

const ROOT = join(import.meta.dirname, "../../..");
const { contributes, capabilities } = packageJson;
interface Setting {
  readonly scope: string;
  readonly default: unknown;
}
const settings: Readonly<Record<string, Setting>> = Object.fromEntries(
  contributes.configuration.flatMap((section) => Object.entries<Setting>(section.properties)),
);

function value(key: string): unknown {
  return settings[`sandpiper.${key}`]?.default;
}

/** Sources of the editor's side, all in one. */
function readSources(): string {
  const files = readdirSync(join(ROOT, "src/ui"), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  return [...files.map((file) => join("src/ui", file)), "src/extension.ts"]
    .map((file) => readFileSync(join(ROOT, file), "utf8"))
    .join("\n");
}

describe("package.json", () => {
  it("lets nobody but the user say where code runs, with what boundary and what it reaches", () => {
    const guarded = ["provider", "network", "local.boundary", "docker.context", "docker.host", "docker.runtime"];

    expect(guarded.map((key) => [key, settings[`sandpiper.${key}`]?.scope])).toEqual(
      guarded.map((key) => [key, "application"]),
    );
  });

  it("lets nobody but the user say whose account is used, with what secrets and at what cost", () => {
    const own = Object.keys(settings).filter((key) =>
      /^sandpiper\.(modal|e2b|daytona|gpu|budget|prices|warmPool|allowedHosts)/.test(key),
    );
    const free = own.filter((key) => settings[key]?.scope !== "application");

    expect(own).toHaveLength(27);
    expect(free).toEqual([
      "sandpiper.modal.image",
      "sandpiper.modal.dockerfile",
      "sandpiper.e2b.template",
      "sandpiper.daytona.image",
    ]);
  });

  it("52: ignores every other setting of a folder that is not trusted, but how the editor looks", () => {
    const free = Object.keys(settings).filter(
      (key) => settings[key]?.scope !== "application" && !key.startsWith("sandpiper.codeLens."),
    );

    expect([...capabilities.untrustedWorkspaces.restrictedConfigurations].sort()).toEqual(free.sort());
  });

  it("calls experimental what Modal calls so", () => {
    const tagged = contributes.configuration.flatMap((section) =>
      Object.entries(section.properties)
        .filter(([, setting]) => "tags" in setting)
        .map(([key]) => key),
    );

    expect(tagged).toEqual(["sandpiper.modal.exitSnapshot", "sandpiper.modal.memorySnapshot"]);
  });

  it("has the defaults that the other doors have", () => {
    expect({
      providerId: value("provider"),
      options: {},
      network: value("network"),
      memoryMiB: value("memoryMiB"),
      cpus: value("cpus"),
      maxProcesses: value("maxProcesses"),
      diskMiB: value("diskMiB"),
      lifetimeMs: Number(value("lifetimeMinutes")) * 60_000,
    }).toEqual(DEFAULT_TARGET);
    expect(value("sync.maxFileMiB")).toBe(DEFAULT_MAX_FILE_MIB);
    expect({
      maxSnapshots: value("snapshots.maxCount"),
      maxAgeDays: value("snapshots.maxAgeDays"),
      maxTotalMiB: value("snapshots.maxTotalMiB"),
    }).toEqual(DEFAULT_RETENTION);
  });

  it("has a text for every %name% and a use for every text", () => {
    const used = [...JSON.stringify(packageJson).matchAll(/"%([\w.]+)%"/g)].map((match) => match[1] ?? "");

    expect([...new Set(used)].sort()).toEqual(Object.keys(names).sort());
  });

  it("names in menus, keys and welcome texts only commands that it has", () => {
    const commands = new Set(contributes.commands.map(({ command }) => command));
    const texts = JSON.stringify([contributes.menus, contributes.keybindings, names]);
    const mentioned = [
      ...texts.matchAll(
        /sandpiper\.(?!runs\b|sessions\b|upload\b|isUploadByName|snapshots\b|isRunning|engineFailed|has[A-Z])\w+(?="|\))/g,
      ),
    ].map(([id]) => id);

    expect(mentioned.length).toBeGreaterThan(20);
    expect(mentioned.filter((id) => !commands.has(id))).toEqual([]);
  });

  it("keeps commands that need an item out of the palette", () => {
    const hidden = contributes.menus.commandPalette
      .filter(({ when }) => when === "false")
      .map(({ command }) => command);

    expect(hidden).toEqual(
      expect.arrayContaining(["sandpiper.applyChange", "sandpiper.discardChange", "sandpiper.openChange"]),
    );
  });
});

describe("texts", () => {
  it("in the bundle for translators are those in the sources", () => {
    const used = [...readSources().matchAll(/l10n\.t\(\s*"((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) =>
      text.replaceAll("\\n", "\n"),
    );

    expect(Object.keys(bundle).sort()).toEqual([...new Set(used)].sort());
  });
});
