import type { Call } from "../../core/call.ts";
import { abortable } from "../abortable.ts";
import type { Account } from "./account.ts";

/** A running sandbox as Modal lists it. */
export interface ListedSandbox {
  readonly id: string;
  readonly createdAt: Date;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * The running sandboxes of an app that have those tags, newest first, on both of Modal's backends.
 * The SDK's own list gives handles alone, which would take another call for the tags of each, and tells no time of
 * creation; this is the call that it makes (`SandboxService.experimentalList` in modal@0.11.1).
 */
export async function* listSandboxes(
  { client }: Account,
  appId: string,
  tags: Readonly<Record<string, string>>,
  { signal }: Call,
): AsyncGenerator<ListedSandbox> {
  const wanted = Object.entries(tags).map(([tagName, tagValue]) => ({ tagName, tagValue }));
  let beforeTimestamp: number | undefined;
  while (true) {
    const page = client.cpClient.sandboxListV2(
      { appId, tags: wanted, includeFinished: false, ...(beforeTimestamp === undefined ? {} : { beforeTimestamp }) },
      { signal },
    );
    const { sandboxes } = await abortable(page, signal);
    for (const { id, createdAt, tags: found } of sandboxes)
      yield {
        id,
        createdAt: new Date(createdAt * 1000),
        tags: Object.fromEntries(found.map(({ tagName, tagValue }) => [tagName, tagValue])),
      };
    const oldest = sandboxes.at(-1)?.createdAt;
    // A page that does not lead on would be asked for for ever.
    if (oldest === undefined || (beforeTimestamp !== undefined && oldest >= beforeTimestamp)) return;
    beforeTimestamp = oldest;
  }
}
