// The licences of all packages that a build has in it, as they ask for; fails for a package whose licence is not permissive.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const PERMISSIVE = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
]);
const LICENCE_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;

/**
 * What is read of a package.json; older ones say some of it in another shape.
 * @typedef {{ name: string, version: string, license?: Licence, licenses?: Licence[], homepage?: string,
 *   repository?: string | { url: string } }} Manifest
 * @typedef {string | { type?: string }} Licence
 */

/**
 * @param {readonly import("esbuild").Metafile[]} metafiles of everything that is shipped
 * @returns {string} one section per package, in the order of their names
 * @throws {Error} naming the package whose licence is unknown or not permissive
 */
export function toThirdPartyNotices(metafiles) {
  const folders = new Set(metafiles.flatMap(({ outputs }) => Object.values(outputs).flatMap(toPackageFolders)));
  const sections = new Map([...folders].map(readPackage));
  const sorted = [...sections].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
  return ["Sandpiper contains the packages below, each under its own licence.", ...sorted].join(
    `\n\n${"-".repeat(80)}\n\n`,
  );
}

/**
 * @param {import("esbuild").Metafile["outputs"][string]} output
 * @returns {string[]} the folders of the packages that have given it a byte
 */
function toPackageFolders({ inputs }) {
  return Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => {
    const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
    return folder === undefined || bytesInOutput === 0 ? [] : [folder];
  });
}

/**
 * @param {string} folder
 * @returns {[string, string]} what sorts it, and its section
 */
function readPackage(folder) {
  // oxlint-disable-next-line typescript/no-unsafe-assignment -- each package's own, as the registry wants it
  /** @type {Manifest} */ const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const { name, version, license, licenses, homepage, repository } = manifest;
  const kind = toLicenceName(license ?? licenses?.[0]);
  if (!isPermissive(kind))
    throw new Error(`${name} ${version} is under the licence "${kind}", which is not known to be permissive.`);
  const texts = readdirSync(folder)
    .filter((file) => LICENCE_FILE.test(file))
    .map((file) => readFileSync(join(folder, file), "utf8").trim());
  // Some say no more than that.
  const source =
    texts.length > 0
      ? []
      : [`See ${homepage ?? (typeof repository === "string" ? repository : repository?.url) ?? name}`];
  return [`${name} ${version}`, [`${name} ${version} (${kind})`, ...texts, ...source].join("\n\n")];
}

/**
 * One that can be chosen has to be permissive, and all of those that hold together.
 * @param {string} kind as SPDX writes it, without parentheses in parentheses
 */
function isPermissive(kind) {
  const choices = kind.replaceAll(/[()]/g, "").split(" OR ");
  return choices.some((choice) => choice.split(" AND ").every((each) => PERMISSIVE.has(each.trim())));
}

/** @param {Licence | undefined} license */
function toLicenceName(license) {
  return (typeof license === "string" ? license : license?.type) ?? "none given";
}
