import { describe, expect, it } from "vitest";
import { CHART_MIME, TABLE_MIME } from "../../../../src/core/interpreter.ts";
import { toCellOutput } from "../../../../src/providers/e2b/to-cell-output.ts";

type Shown = Parameters<typeof toCellOutput>[0];

/** Of the fields that the service sent, which the SDK's types know only in part. */
function newResult(fields: Readonly<Record<string, unknown>>): Shown {
  return { isMainResult: false, extra: {}, ...fields };
}

function dataOf(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const output = toCellOutput(newResult(fields));
  return output.kind === "result" ? output.data : {};
}

describe("what E2B's interpreter shows", () => {
  it("has every form by its MIME type", () => {
    const fields = {
      text: "t",
      html: "<b>h</b>",
      markdown: "*m*",
      svg: "<svg/>",
      png: "iVBO\nRw0=",
      jpeg: "/9j/",
      pdf: "JVBE",
      latex: "$x$",
      json: { a: [1] },
      javascript: "alert(1)",
      extra: { "text/x-other": "o", "application/x-thing": { b: 2 } },
    };

    expect(dataOf(fields)).toEqual({
      "text/plain": "t",
      "text/html": "<b>h</b>",
      "text/markdown": "*m*",
      "image/svg+xml": "<svg/>",
      "image/png": "iVBORw0=",
      "image/jpeg": "/9j/",
      "application/pdf": "JVBE",
      "text/latex": "$x$",
      "application/json": '{"a":[1]}',
      "application/javascript": "alert(1)",
      "text/x-other": "o",
      "application/x-thing": '{"b":2}',
    });
  });

  it("says whether it is the value of the last expression", () => {
    expect(toCellOutput(newResult({ text: "1", isMainResult: true }))).toMatchObject({ isMain: true });
    expect(toCellOutput(newResult({ text: "1" }))).toMatchObject({ isMain: false });
  });

  it("is a table where it is told as columns of one length", () => {
    const { [TABLE_MIME]: table = "" } = dataOf({ data: { a: [1, 2], b: ["x", null] } });

    expect(JSON.parse(table)).toEqual({
      columns: ["a", "b"],
      rows: [
        [1, "x"],
        [2, null],
      ],
      rowCount: 2,
    });
  });

  it.each([{ a: 1 }, { a: [1], b: [1, 2] }, {}, null, "text"])("is no table: %j", (data) => {
    expect(dataOf({ data })).not.toHaveProperty([TABLE_MIME]);
  });

  it("keeps the beginning of a very long table, and says how long it is", () => {
    const { [TABLE_MIME]: table = "" } = dataOf({ data: { n: Array.from({ length: 10_001 }, (_, index) => index) } });

    const parsed: unknown = JSON.parse(table);
    expect(parsed).toMatchObject({ rowCount: 10_001 });
    expect(parsed).toHaveProperty("rows.length", 10_000);
  });

  it("is a chart where it has a kind", () => {
    const chart = { type: "bar", title: "c", elements: [] };

    expect(dataOf({ chart })[CHART_MIME]).toBe(JSON.stringify(chart));
    expect(dataOf({ chart: {} })).not.toHaveProperty([CHART_MIME]);
  });
});
