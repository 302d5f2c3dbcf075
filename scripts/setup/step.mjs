import { CommandFailed } from "./run-command.mjs";

/**
 * One thing that has to be there before the extension can be started or tested.
 * @typedef {object} Step
 * @property {string} name for people
 * @property {() => string | undefined | Promise<string | undefined>} missing what has to be done, for people; undefined when it is all there
 * @property {() => Promise<void>} run
 */

/** Something a person has to do first; the message says what. */
export class SetupError extends Error {
  /** @override */
  name = "SetupError";
}

/**
 * Does what is not done yet, with one line on stdout.
 * @param {Step} step
 */
export async function runStep(step) {
  const startedAt = Date.now();
  const work = await step.missing();
  if (work === undefined) {
    console.log(`✓ ${step.name}: already there`);
    return;
  }
  process.stdout.write(`… ${step.name}: ${work} `);
  try {
    await step.run();
  } catch (error) {
    console.log(`✗ after ${toSeconds(Date.now() - startedAt)}`);
    throw error;
  }
  console.log(`✓ ${toSeconds(Date.now() - startedAt)}`);
}

/** @param {number} ms */
export function toSeconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** What a person has to know of it: failures that are expected explain themselves. @param {unknown} error */
export function toMessage(error) {
  if (error instanceof SetupError || error instanceof CommandFailed) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
