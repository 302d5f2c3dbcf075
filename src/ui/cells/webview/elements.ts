// What drawing takes. Everything that comes from a cell is set as text, never as markup.

/** The page's element with that id. @throws {TypeError} when the page has none of that kind */
export function find<E extends Element>(id: string, kind: new () => E): E {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new TypeError(`The page has no ${id}.`);
}

/** The first element inside that matches. @throws {TypeError} when there is none of that kind */
export function findIn<E extends Element>(root: ParentNode, selector: string, kind: new () => E): E {
  const element = root.querySelector(selector);
  if (element instanceof kind) return element;
  throw new TypeError(`There is no ${selector}.`);
}

/** A copy of what is in the template with that id. */
export function copyTemplate<E extends Element>(id: string, kind: new () => E): E {
  const copy = document.importNode(find(id, HTMLTemplateElement).content, true);
  return findIn(copy, "*", kind);
}

/** An element with that text and those classes, separated by spaces. */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = "",
  className = "",
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (text !== "") element.textContent = text;
  if (className !== "") element.className = className;
  return element;
}

/** Only what differs: the rest need not be laid out again, nor said again. */
export function write(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
