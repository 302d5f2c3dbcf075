import type { Call } from "../../core/call.ts";
import type { ImageOffer, Provider } from "../../core/provider.ts";
import type { Clock } from "../clock.ts";
import { toPlace } from "../provider-cache.ts";
import type { Target } from "../records.ts";
import { isFree, isSizedByImage, type Size, toAskedSize } from "./rate.ts";

/** What looking up images needs. */
export interface ImageSizesDeps {
  readonly loadProvider: (target: Target) => Promise<Provider>;
  readonly newCall: () => Call;
  readonly clock: Clock;
}

/** Templates are rebuilt now and then. */
const KNOWN_MS = 5 * 60_000;

interface Listing {
  readonly offers: Promise<readonly ImageOffer[]>;
  readonly untilMs: number;
}

/** Knows what sandboxes will have, also where their image decides that. */
export class ImageSizes {
  readonly #deps: ImageSizesDeps;
  readonly #listings = new Map<string, Listing>();

  constructor(deps: ImageSizesDeps) {
    this.#deps = deps;
  }

  /** Undefined when the provider does not say, or costs nothing. @throws {SandboxError} when it cannot be asked */
  async find(target: Target, gpu: string | undefined): Promise<Size | undefined> {
    if (isFree(target.providerId)) return undefined;
    if (!isSizedByImage(target, gpu)) return toAskedSize(target);
    const offers = await this.#list(target);
    const offer = target.image === undefined ? offers[0] : offers.find(({ id }) => id === target.image);
    return offer && toSize(offer);
  }

  async #list(target: Target): Promise<readonly ImageOffer[]> {
    const place = toPlace(target);
    const now = this.#deps.clock.now();
    const known = this.#listings.get(place);
    if (known && known.untilMs > now) return await known.offers;
    const offers = this.#ask(target);
    this.#listings.set(place, { offers, untilMs: now + KNOWN_MS });
    // A failure is told to who asked; the next one asks anew.
    offers.catch(() => this.#listings.delete(place));
    return await offers;
  }

  async #ask(target: Target): Promise<readonly ImageOffer[]> {
    const provider = await this.#deps.loadProvider(target);
    return (await provider.listImages?.(this.#deps.newCall())) ?? [];
  }
}

function toSize({ cpus, memoryMiB, diskMiB }: ImageOffer): Size | undefined {
  if (cpus === undefined || memoryMiB === undefined) return undefined;
  return { cpus, memoryMiB, ...(diskMiB === undefined ? {} : { diskMiB }) };
}
