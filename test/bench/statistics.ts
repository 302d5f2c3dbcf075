/** The middle value; of an even count, the mean of the two in the middle. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1];
  const high = sorted[Math.floor(middle)];
  if (low === undefined || high === undefined) throw new Error("There is no median of nothing.");
  return (low + high) / 2;
}

/** Something whose time is taken. Resolves with the milliseconds. */
export type Subject = () => Promise<number>;

/**
 * Takes the time of each subject in turn, over and over, so that what else the machine does meets all alike. One round
 * before warms them up.
 * @returns for each subject the milliseconds of each round
 */
export async function measureInTurn(
  subjects: readonly Subject[],
  rounds: number,
): Promise<readonly (readonly number[])[]> {
  const times = subjects.map(() => [] as number[]);
  for (let round = 0; round <= rounds; round++)
    for (const [index, subject] of subjects.entries()) {
      const ms = await subject();
      if (round > 0) times[index]?.push(ms);
    }
  return times;
}
