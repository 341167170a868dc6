// When requests are repeated.

import { isTransient, Problem } from "./problem";

const MAX_REPEATED_COMMANDS = 4;
const MAX_REPEATED_QUERIES = 3;
/** A limit that lasts longer is reported to the user instead. */
const MAX_WAIT_SECONDS = 10;
const MAX_DELAY_MS = 30_000;

interface RetryOptions {
  retry: (failures: number, error: Error) => boolean;
  /** In milliseconds. */
  retryDelay: (failures: number, error: Error) => number;
}

/** For mutations that send commands, which are safe to repeat. */
export const COMMAND_RETRIES: RetryOptions = {
  retry: (failures, error) => failures < MAX_REPEATED_COMMANDS && isWorthRepeating(error),
  retryDelay,
};

export const QUERY_RETRIES: RetryOptions = {
  retry: (failures, error) => failures < MAX_REPEATED_QUERIES && isWorthRepeating(error),
  retryDelay,
};

function isWorthRepeating(error: Error): boolean {
  const isLimit = error instanceof Problem && error.status === 429;
  return isTransient(error) && !(isLimit && (error.retryAfterSeconds ?? 0) > MAX_WAIT_SECONDS);
}

/** Doubles with each failure, and is never shorter than the service asks for. */
function retryDelay(failures: number, error: Error): number {
  const asked = error instanceof Problem ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
  return Math.min(Math.max(1000 * 2 ** failures, asked), MAX_DELAY_MS);
}
