import type { Writable } from "node:stream";

/** Writes bytes to stdout or stderr no faster than they are read. Once nobody reads, it swallows what it is given. */
export class TerminalOutput {
  readonly #stream: Writable;
  #isBroken = false;

  /** @param onDidBreak called once, when the other end has closed */
  constructor(stream: Writable, onDidBreak: () => void = () => undefined) {
    this.#stream = stream;
    stream.on("error", () => {
      if (!this.#isBroken) onDidBreak();
      this.#isBroken = true;
    });
  }

  async write(data: Uint8Array | string): Promise<void> {
    if (this.#isBroken || this.#stream.write(data)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const event of ["drain", "close", "error"]) this.#stream.off(event, done);
        resolve();
      };
      for (const event of ["drain", "close", "error"]) this.#stream.on(event, done);
    });
  }

  /** Resolves once everything has been handed to the system: exiting earlier would lose it. */
  async flush(): Promise<void> {
    if (this.#isBroken || this.#stream.writableLength === 0) return;
    await new Promise<void>((resolve) => {
      this.#stream.write("", () => resolve());
    });
  }
}
