/** The middle value; of an even count, the mean of the two in the middle. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1];
  const high = sorted[Math.floor(middle)];
  if (low === undefined || high === undefined) throw new Error("There is no median of nothing.");
  return (low + high) / 2;
}

/** Something whose time is taken, by its name in the table. Resolves with the milliseconds. */
export type Subject = () => Promise<number>;

/**
 * Takes the time of each subject in turn, over and over, so that what else the machine does meets all alike. One round
 * before warms them up.
 * @returns name -> milliseconds of each round
 */
export async function measureInTurn(
  subjects: ReadonlyMap<string, Subject>,
  rounds: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const times = new Map([...subjects.keys()].map((name) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round++)
    for (const [name, subject] of subjects) {
      const ms = await subject();
      if (round > 0) times.get(name)?.push(ms);
    }
  return times;
}
