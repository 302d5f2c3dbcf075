const NAMES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A text as it can stand in an element and in an attribute with quotes. */
export function escapeHtml(value: string): string {
  return value.replaceAll(/[&<>"']/g, (character) => NAMES[character] ?? "");
}
