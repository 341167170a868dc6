// Usage by day, each day of a span there, also those on which nothing was asked. Pure.

import type { Usage } from "../api/types";

export interface Day {
  /** As 2026-01-31, in UTC, which is what the service counts by. */
  day: string;
  read: number;
  written: number;
  answers: number;
}

const DAY_MS = 86_400_000;

/** The last `count` days, oldest first. */
export function daysOf(items: Usage["items"], today: Date, count: number): Day[] {
  const days = new Map<string, Day>();
  for (let ago = count - 1; ago >= 0; ago--) {
    const day = dayOf(new Date(today.getTime() - ago * DAY_MS));
    days.set(day, { day, read: 0, written: 0, answers: 0 });
  }
  for (const { day, prompt_tokens, completion_tokens, answers } of items) {
    const sum = days.get(day);
    if (!sum) continue;
    sum.read += prompt_tokens;
    sum.written += completion_tokens;
    sum.answers += answers;
  }
  return [...days.values()];
}

export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
