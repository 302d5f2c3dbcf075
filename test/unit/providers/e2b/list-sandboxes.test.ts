import { describe, expect, it } from "vitest";
import { silentLogger } from "../../../../src/core/logger.ts";
import { listSandboxes } from "../../../../src/providers/e2b/list-sandboxes.ts";

type Pages = Parameters<typeof listSandboxes>[0];
type Listed = Awaited<ReturnType<ReturnType<Pages["list"]>["nextItems"]>>[number];

const call = { signal: new AbortController().signal, logger: silentLogger };

function newListed(sandboxId: string): Listed {
  return { sandboxId, metadata: {}, state: "running", startedAt: new Date(0), endAt: new Date(1) };
}

/** E2B's list, a page at a time; the first attempt at the second one fails. */
function newPages(ids: readonly (readonly string[])[]): Pages & { readonly asked: unknown[] } {
  const asked: unknown[] = [];
  const left = [...ids];
  let hasFailed = false;
  return {
    asked,
    list: (options) => {
      asked.push(options);
      return {
        get hasNext() {
          return left.length > 0;
        },
        nextItems: async () => {
          if (left.length === 1 && !hasFailed) {
            hasFailed = true;
            throw new TypeError("fetch failed");
          }
          return (left.shift() ?? []).map(newListed);
        },
      };
    },
  };
}

describe("the list of sandboxes", () => {
  it("goes through all pages, asks again for one that did not come, and leaves none out", async () => {
    const pages = newPages([["a", "b"], ["c"]]);

    const found: string[] = [];
    for await (const { sandboxId } of listSandboxes(pages, { mine: "1" }, call)) found.push(sandboxId);

    expect(found).toEqual(["a", "b", "c"]);
    expect(pages.asked).toEqual([{ query: { metadata: { mine: "1" }, state: ["running", "paused"] } }]);
  });
});
