import type { Entry } from "../../snapshots/manifest.ts";

/** Finds what records that do not change hold. @throws what reading the record's listing throws */
export type FindEntry = (id: string, path: string) => Promise<Entry | undefined>;

/** Records whose listings are kept. A snapshot's may have tens of thousands of paths; two are open in a comparison. */
const MAX_LISTINGS = 4;

/** Keeps the listings of a few records. @param read all paths of the record with that id */
export function createListingCache(read: (id: string) => Promise<readonly (readonly [string, Entry])[]>): FindEntry {
  const listings = new Map<string, Promise<ReadonlyMap<string, Entry>>>();
  const load = (id: string): Promise<ReadonlyMap<string, Entry>> => {
    const listing = read(id).then((entries) => new Map(entries));
    listing.catch(() => listings.get(id) === listing && listings.delete(id));
    return listing;
  };
  return async (id, path) => {
    const listing = listings.get(id) ?? load(id);
    // Set anew, so that the first is the one that was least recently used.
    listings.delete(id);
    listings.set(id, listing);
    const [oldest] = listings.keys();
    if (listings.size > MAX_LISTINGS && oldest !== undefined) listings.delete(oldest);
    const entry = (await listing).get(path);
    // Whoever asks for what is not there may have asked too early.
    if (!entry) listings.delete(id);
    return entry;
  };
}
