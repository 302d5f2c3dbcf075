/**
 * Why a link may not be made in the user's workspace, for people, or undefined when it may. A target may climb, but only
 * first and not out of the workspace: "a/../../b" could leave it through a link called "a".
 * @param path of the link, relative to the workspace
 */
export function whyUnsafeTarget(path: string, target: string): string | undefined {
  if (target === "" || target.includes("\0")) return "it is a link to nothing";
  if (/^[/\\]|^[a-z]:/i.test(target)) return "it is a link to an absolute path";
  const names = target.split(/[/\\]/).filter((name) => name !== "" && name !== ".");
  const climbs = names.findIndex((name) => name !== "..");
  const climbCount = climbs < 0 ? names.length : climbs;
  if (names.slice(climbCount).includes("..")) return "it is a link whose target climbs in the middle";
  if (climbCount > path.split("/").length - 1) return "it is a link to outside of the workspace";
  return names.some((name) => name.toLowerCase() === ".git") ? "it is a link into Git's own files" : undefined;
}
