import { describe, expect, it } from "vitest";
import { toTable } from "../../../../src/ui/cells/to-table.ts";

describe("toTable", () => {
  it("sets columns of numbers apart from those of texts, and leaves what is missing empty", () => {
    const table = toTable({
      columns: ["", "n"],
      rows: [
        ["a", 1],
        ["b", null],
      ],
      rowCount: 2,
    });

    expect(table).toEqual({
      columns: [
        { name: "", isNumeric: false },
        { name: "n", isNumeric: true },
      ],
      rows: [
        ["a", "1"],
        ["b", ""],
      ],
      caption: "2 rows × 2 columns",
    });
  });

  it("says how many rows there are when it has only the first", () => {
    const rows = Array.from({ length: 3 }, (_, row) => [row]);

    expect(toTable({ columns: ["n"], rows, rowCount: 1_000 })?.caption).toBe(
      `${(1000).toLocaleString()} rows × 1 column, the first 3 rows shown`,
    );
  });

  it("draws no more than can be looked at", () => {
    const text = "x".repeat(1_000);
    const wide = Array.from({ length: 120 }, (_, column) => `c${column}`);
    const rows = Array.from({ length: 1_100 }, () => wide.map(() => text));
    const table = toTable({ columns: wide, rows, rowCount: rows.length });

    expect([table?.rows.length, table?.columns.length, table?.rows[0]?.length]).toEqual([1_000, 100, 100]);
    expect(table?.rows[0]?.[0]).toBe(`${"x".repeat(500)}…`);
  });

  it.each([undefined, null, 3, "x", {}, { columns: [] }, { rows: [] }, { columns: 1, rows: 2 }])(
    "takes %j for no table",
    (value) => {
      expect(toTable(value)).toBeUndefined();
    },
  );

  it("shows nested values as JSON", () => {
    expect(toTable({ columns: ["a"], rows: [[{ b: [1] }], [true]], rowCount: 2 })?.rows).toEqual([
      ['{"b":[1]}'],
      ["true"],
    ]);
  });
});
