import { expect, it } from "vitest";
import { explainPath } from "../../../../src/snapshots/rules/explain-path.ts";
import { makeFolder } from "../temp-folder.ts";

const MAX_BYTES = 1000;

it.each([
  { path: "src/a.py", isSent: true, reason: "no rule leaves it out" },
  { path: "src", isSent: true, reason: "no rule leaves it out" },
  { path: "link", isSent: true, reason: "links are sent as links, and no rule leaves it out" },
  { path: "keep.log", isSent: true, reason: 'let in by "!keep.log" in .gitignore:3' },
  { path: ".env", isSent: true, reason: 'let in by "!.env" in .sandboxignore:1' },
  { path: "dist/a.js", isSent: true, reason: 'let in by "!dist/" in .sandboxignore:2' },
  { path: "a.log", isSent: false, reason: 'left out by "*.log" in .gitignore:2' },
  { path: "build/deep/a.js", isSent: false, reason: 'left out by "/build/" in .gitignore:4' },
  { path: ".git/config", isSent: false, reason: "Git's own files are never sent" },
  { path: "gone", isSent: false, reason: "it does not exist" },
  { path: "../up", isSent: false, reason: 'it has a ".." part' },
  { path: "link/a.py", isSent: false, reason: "link is a link, and links are sent as links" },
])("says why $path is sent or not", ({ path, isSent, reason }) => {
  const root = makeFolder({
    ".gitignore": "# of the project\n*.log\n!keep.log\n/build/\ndist/\n",
    ".sandboxignore": "!.env\n!dist/\n",
    ".env": "",
    ".git/config": "",
    "src/a.py": "",
    "keep.log": "",
    "a.log": "",
    "dist/a.js": "",
    "build/deep/a.js": "",
    link: { link: "src" },
  });

  expect(explainPath(root, path, MAX_BYTES)).toEqual({ isSent, reason });
});
