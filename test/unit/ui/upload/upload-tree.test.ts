import { describe, expect, it } from "vitest";
import type { UploadPreview } from "../../../../src/sessions/snapshot-records.ts";
import { type UploadNode, UploadTree } from "../../../../src/ui/upload/upload-tree.ts";

function preview(sizes: Readonly<Record<string, number>>, rest: Partial<UploadPreview> = {}): UploadPreview {
  const files = Object.entries(sizes).map(([path, sizeBytes]) => ({ path, sizeBytes, isSent: true }));
  return { files, totalBytes: 0, sentBytes: 0, sentCount: files.length, skipped: [], findings: [], ...rest };
}

function describeNode(node: UploadNode): string {
  if (node.kind === "folder") return `${node.path}/ ${node.fileCount} ${node.sizeBytes}`;
  if (node.kind === "file") return `${node.path} ${node.sizeBytes}`;
  if (node.kind === "group") return `${node.group} ${node.count}`;
  return node.kind === "skipped" ? node.skipped.path : `${node.finding.path}:${node.finding.line}`;
}

describe("UploadTree", () => {
  const sizes = { "z.py": 5, "a/x.py": 1, "a/deep/er/y.py": 2, "b/data.csv": 100 };

  it("sums folders up, largest first", () => {
    const tree = new UploadTree(preview(sizes));

    expect(tree.childrenOf(undefined, "size").map(describeNode)).toEqual(["b/ 1 100", "z.py 5", "a/ 2 3"]);
  });

  it("lists folders and then files by name", () => {
    const tree = new UploadTree(preview(sizes));
    const [first] = tree.childrenOf(undefined, "name");

    expect(tree.childrenOf(undefined, "name").map(describeNode)).toEqual(["a/ 2 3", "b/ 1 100", "z.py 5"]);
    expect(tree.childrenOf(first, "name").map(describeNode)).toEqual(["a/deep/ 1 2", "a/x.py 1"]);
  });

  it("puts what asks for a decision before the files, and what stays here behind them", () => {
    const finding = { path: "z.py", line: 1, kind: "k", hint: "h", fingerprint: "f" };
    const skipped = [
      { path: ".env", kind: "secret", reason: "r" },
      { path: "node_modules", kind: "built-in", reason: "r" },
      { path: "dist", kind: "rule", reason: "r" },
      { path: "pipe", kind: "special", reason: "r" },
    ] as const;
    const tree = new UploadTree(preview({ "z.py": 5 }, { skipped, findings: [finding] }));
    const top = tree.childrenOf(undefined, "size");

    expect(top.map(describeNode)).toEqual(["findings 1", "secret 1", "z.py 5", "rule 2", "other 1"]);
    expect(top.slice(0, 2).map((node) => tree.childrenOf(node, "size").map(describeNode))).toEqual([
      ["z.py:1"],
      [".env"],
    ]);
    expect(tree.childrenOf(top[3], "size").map(describeNode)).toEqual(["node_modules", "dist"]);
  });

  it("has every file of 28,000 under its folder, once", () => {
    const many = Object.fromEntries(
      Array.from({ length: 28_000 }, (_, index) => [`p${index % 70}/q${index % 400}/f${index}`, 1]),
    );
    const tree = new UploadTree(preview(many));
    const count = (node?: UploadNode): number =>
      tree.childrenOf(node, "size").reduce((sum, child) => sum + (child.kind === "file" ? 1 : count(child)), 0);

    expect(count()).toBe(28_000);
    expect(tree.childrenOf(undefined, "size")).toHaveLength(70);
  });
});
