import { randomUUID } from "node:crypto";
import { ApiError } from "../api-error.ts";
import type { SandboxHost } from "../sandbox-host.ts";
import { type ContextInfo, Kernel } from "./kernel.ts";

const HOME = "/home/user";
const ALIASES: Readonly<Record<string, string>> = { js: "javascript", ts: "typescript" };
const DEFAULT_LANGUAGES = ["python", "javascript"];

/** The contexts of one sandbox, each with variables of its own. There is one of Python and of JavaScript from the start. */
export class Contexts {
  readonly #sandbox: SandboxHost;
  readonly #kernels = new Map<string, Kernel>();
  readonly #defaults = new Map<string, Kernel>();

  constructor(sandbox: SandboxHost) {
    this.#sandbox = sandbox;
  }

  get all(): readonly ContextInfo[] {
    this.#prepare();
    return [...this.#kernels.values()].map(({ info }) => info);
  }

  /** @throws ApiError 500 for a language that there is none of */
  create(language: string | undefined, cwd: string | undefined): ContextInfo {
    this.#prepare();
    return this.#add(toLanguage(language), cwd || HOME).info;
  }

  /** A named one, or the default one of a language. @throws ApiError 404, 500 */
  get(id: string | undefined, language: string | undefined): Kernel {
    this.#prepare();
    if (id !== undefined) {
      const found = this.#kernels.get(id);
      if (!found) throw new ApiError(404, `Context ${id} not found`);
      return found;
    }
    const wanted = toLanguage(language);
    const kernel = this.#defaults.get(wanted) ?? this.#add(wanted, HOME);
    this.#defaults.set(wanted, kernel);
    return kernel;
  }

  /** Forgets its variables. @throws ApiError 404 */
  async restart(id: string): Promise<void> {
    await this.get(id, undefined).restart();
  }

  /** @throws ApiError 404 */
  async remove(id: string): Promise<void> {
    const kernel = this.get(id, undefined);
    this.#kernels.delete(id);
    await kernel.restart();
  }

  /** All are gone, with the memory that they were in. */
  clear(): void {
    this.#kernels.clear();
    this.#defaults.clear();
  }

  #prepare(): void {
    if (this.#defaults.size > 0) return;
    for (const language of DEFAULT_LANGUAGES) this.#defaults.set(language, this.#add(language, HOME));
  }

  #add(language: string, cwd: string): Kernel {
    const kernel = new Kernel(this.#sandbox, { id: randomUUID(), language, cwd });
    this.#kernels.set(kernel.info.id, kernel);
    return kernel;
  }
}

function toLanguage(given = "python"): string {
  const word = given.toLowerCase().trim();
  return ALIASES[word] ?? word;
}
