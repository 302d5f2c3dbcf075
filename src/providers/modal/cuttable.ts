/**
 * A stream's chunks until it ends or `cut` is aborted, which ends it quietly: what was read stays good. A reader that
 * leaves early gives the stream back.
 */
export async function* toCuttable(stream: ReadableStream<Uint8Array>, cut: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  const onCut = (): void => void reader.cancel().catch(() => {});
  if (cut.aborted) onCut();
  else cut.addEventListener("abort", onCut, { once: true });
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    cut.removeEventListener("abort", onCut);
    onCut();
  }
}
