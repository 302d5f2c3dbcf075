import { pathToFileURL } from "node:url";

/** VS Code's Uri, as far as the tests need it. */
export class URI {
  readonly scheme: string;
  readonly path: string;

  private constructor(scheme: string, path: string) {
    this.scheme = scheme;
    this.path = path;
  }

  static file(path: string): URI {
    return new URI("file", path);
  }

  static from({ scheme, path }: { scheme: string; path: string }): URI {
    return new URI(scheme, path);
  }

  static joinPath(base: URI, ...parts: string[]): URI {
    return new URI(base.scheme, [base.path, ...parts].join("/"));
  }

  get fsPath(): string {
    return this.path;
  }

  toString(): string {
    return this.scheme === "file" ? pathToFileURL(this.path).href : `${this.scheme}:${this.path}`;
  }
}
