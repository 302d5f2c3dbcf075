import { expect, it } from "vitest";
import { checkNode } from "../../../src/cli/check-node.ts";

it("the command line says which Node it needs when it is run with an older one", () => {
  expect(() => checkNode("20.20.2", false)).toThrow(/needs Node 22\.15 or newer; this is 20\.20\.2/);
  expect(() => checkNode()).not.toThrow();
});
