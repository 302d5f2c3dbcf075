import { describe, expect, it } from "vitest";
import { splitCells } from "../../../../src/sessions/cells/split-cells.ts";

const ANALYSIS = `#!/usr/bin/env python3
import math

# %% Load the data
data = [1, 2]

# %% [markdown]
# Some words.

#%%
print(data)
`;

describe("splitting a file into cells", () => {
  it("numbers the cells that run, and counts what comes before the first as number 0", () => {
    const cells = splitCells(ANALYSIS);

    expect(cells.map(({ number, title, startLine, endLine }) => [number, title, startLine, endLine])).toEqual([
      [0, "", 0, 3],
      [1, "Load the data", 3, 6],
      [2, "", 9, 12],
    ]);
  });

  it("keeps every line of the code on its own line of the file", () => {
    for (const { code, startLine, endLine, number } of splitCells(ANALYSIS)) {
      const lines = ANALYSIS.split("\n").slice(startLine + (number === 0 ? 0 : 1), endLine);

      expect(code.split("\n").slice(startLine + (number === 0 ? 0 : 1))).toEqual(lines);
      expect(code.trim()).toBe(lines.join("\n").trim());
    }
  });

  it("finds no cells in a file without a marker", () => {
    expect(splitCells("print(1)\n# a comment %% with signs\n  # %% not at the start of its line\n")).toEqual([]);
  });

  it("has no number 0 when only comments come before the first marker", () => {
    expect(splitCells("#!/usr/bin/env python3\n# Licence\n\n# %%\n1\n").map(({ number }) => number)).toEqual([1]);
  });

  it.each(["# %%", "#%%", "# %%%", "# In[1]:", "# In[ ]:", "#In[12]", "# <codecell>", "// %%"])(
    "takes %s for the start of a cell",
    (marker) => {
      expect(splitCells(`${marker}\n1\n`)).toMatchObject([{ number: 1, title: "", startLine: 0 }]);
    },
  );

  it.each(["# %% [markdown]", "#%%[md]", "# %% [raw]", "# %% About this [markdown]", "# <markdowncell>"])(
    "runs nothing below %s",
    (marker) => {
      expect(splitCells(`${marker}\n# words\n`)).toEqual([]);
    },
  );

  it("takes a title without the options that follow it", () => {
    expect(splitCells('# %% A plot [code] tags=["x"]\n')[0]?.title).toBe("A plot");
  });

  it("knows the line ends of every system", () => {
    expect(splitCells("# %%\r\na = 1\r\n# %%\r\nb = 2\r\n").map(({ code }) => code.trim())).toEqual(["a = 1", "b = 2"]);
  });
});
