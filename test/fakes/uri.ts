import { pathToFileURL } from "node:url";

/** VS Code's Uri, as far as the tests need it. */
export class URI {
  readonly scheme: string;
  readonly path: string;

  readonly authority: string;
  readonly query: string;

  private constructor(scheme: string, path: string, authority = "", query = "") {
    this.scheme = scheme;
    this.path = path;
    this.authority = authority;
    this.query = query;
  }

  static file(path: string): URI {
    return new URI("file", path);
  }

  static from(parts: { scheme: string; path: string; authority?: string; query?: string }): URI {
    return new URI(parts.scheme, parts.path, parts.authority, parts.query);
  }

  static parse(text: string): URI {
    const { protocol, host, pathname, search } = new URL(text);
    return new URI(protocol.slice(0, -1), pathname, host, search.slice(1));
  }

  static joinPath(base: URI, ...parts: string[]): URI {
    return new URI(base.scheme, [base.path, ...parts].join("/"));
  }

  with(change: { readonly path: string }): URI {
    return new URI(this.scheme, change.path, this.authority, this.query);
  }

  get fsPath(): string {
    return this.path;
  }

  toString(): string {
    return this.scheme === "file"
      ? pathToFileURL(this.path).href
      : `${this.scheme}://${this.authority}${this.path}${this.query && `?${this.query}`}`;
  }
}
