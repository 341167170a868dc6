// Answers that must not tell by their time whether an address has an account end on whole steps of time.

import { setTimeout as pause } from "node:timers/promises";

export const STEP_MS = 250;

/**
 * Waits until the next whole step since `startedAt` (milliseconds, as `performance.now()`).
 * @param {number} startedAt
 */
export async function untilWholeStep(startedAt) {
  const elapsed = performance.now() - startedAt;
  await pause(Math.ceil(elapsed / STEP_MS) * STEP_MS - elapsed);
}
