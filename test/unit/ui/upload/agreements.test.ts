import { describe, expect, it } from "vitest";
import { Uri } from "vscode";
import type { Target } from "../../../../src/sessions/records.ts";
import { hasAgreed, noteAgreement } from "../../../../src/ui/upload/agreements.ts";
import { fakeMemento } from "../command-deps.ts";
import { TARGET } from "../fake-engine.ts";

const FOLDER = Uri.file("/ws");
const OPEN: Target = { ...TARGET, network: "full" };
const LISTED: Target = { ...TARGET, network: "allow-list", allowedHosts: ["pypi.org"] };
const GVISOR: Target = { ...TARGET, options: { boundary: "gvisor" } };
const DOCKER: Target = { ...TARGET, providerId: "docker" };
const E2B: Target = { ...TARGET, providerId: "e2b" };
const DAYTONA: Target = { ...TARGET, providerId: "daytona" };
const ELSEWHERE: Target = { ...DOCKER, options: { host: "ssh://me@box" } };

describe("what was agreed", () => {
  it.each([
    ["the same terms", TARGET, TARGET, true],
    ["a stronger boundary", TARGET, GVISOR, true],
    ["a weaker boundary", GVISOR, TARGET, false],
    ["an open network", TARGET, OPEN, false],
    ["a closed network", OPEN, TARGET, true],
    ["a network of listed hosts", TARGET, LISTED, false],
    ["the same listed hosts", LISTED, LISTED, true],
    ["no network where hosts were listed", LISTED, TARGET, true],
    ["listed hosts where the network was open", OPEN, LISTED, true],
    ["an open network where hosts were listed", LISTED, OPEN, false],
    ["another provider", TARGET, DOCKER, false],
    ["another machine", DOCKER, ELSEWHERE, false],
    ["another E2B server", E2B, { ...E2B, options: { domain: "e2b.example" } }, false],
    ["another Daytona server", DAYTONA, { ...DAYTONA, options: { apiUrl: "https://daytona.example" } }, false],
    ["another option of the same server", E2B, { ...E2B, options: { autoPause: "true" } }, true],
    ["more memory", TARGET, { ...TARGET, memoryMiB: 9_999 }, true],
  ])("holds for %s or not", async (_, agreed, now, holds) => {
    const memento = fakeMemento();
    await noteAgreement(memento, FOLDER, agreed);

    expect(hasAgreed(memento, FOLDER, now)).toBe(holds);
  });

  it("is one folder's own", async () => {
    const memento = fakeMemento();
    await noteAgreement(memento, FOLDER, TARGET);

    expect(hasAgreed(memento, Uri.file("/ws2"), TARGET)).toBe(false);
  });

  it("in two steps is not agreed in one: gVisor with network and namespaces without are not namespaces with it", async () => {
    const memento = fakeMemento();
    await noteAgreement(memento, FOLDER, { ...GVISOR, network: "full" });
    await noteAgreement(memento, FOLDER, TARGET);

    expect(hasAgreed(memento, FOLDER, TARGET)).toBe(true);
    expect(hasAgreed(memento, FOLDER, { ...GVISOR, network: "full" })).toBe(true);
    expect(hasAgreed(memento, FOLDER, OPEN)).toBe(false);
  });
});
