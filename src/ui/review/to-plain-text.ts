import { EscapeFilter } from "../terminal/escape-filter.ts";

/** Output as text for an editor: without sequences, with the lines as they were last overwritten. */
export function toPlainText(output: Uint8Array): string {
  return (
    new EscapeFilter()
      .write(output)
      // oxlint-disable-next-line no-control-regex -- the sequences that the filter lets through
      .replaceAll(/\u001b(?:\][^\u001b]*\u001b\\|\[[0-9;:?]*[ ]?[@-~]|[()*+]?.)/gs, "")
      .replaceAll(/\r+\n/g, "\n")
      .replaceAll(/[^\n]*\r(?=[^\n])/g, "")
      // oxlint-disable-next-line no-control-regex -- what is left of cursor keys and bells
      .replaceAll(/[\u0007\b\u000e\u000f]/g, "")
  );
}
