// Sums usage per day. Pure.

import type { Usage } from "../api/types";

export interface Day {
  /** The date in UTC, for example `2026-01-31`. */
  date: string;
  answers: number;
  inputTokens: number;
  outputTokens: number;
}

const DAY_MS = 86_400_000;

/** The last `count` days up to today, oldest first, including days without usage. */
export function usagePerDay(items: Usage["items"], today: Date, count: number): Day[] {
  const days = new Map<string, Day>();
  for (let ago = count - 1; ago >= 0; ago--) {
    const date = dateOf(daysBefore(today, ago));
    days.set(date, { date, answers: 0, inputTokens: 0, outputTokens: 0 });
  }
  for (const { day, answers, prompt_tokens, completion_tokens } of items) {
    const sum = days.get(day);
    if (!sum) continue;
    sum.answers += answers;
    sum.inputTokens += prompt_tokens;
    sum.outputTokens += completion_tokens;
  }
  return [...days.values()];
}

/** Whether a language model wrote any of the answers: quoting needs no tokens. */
export function hasTokens(days: readonly Day[]): boolean {
  return days.some(({ inputTokens, outputTokens }) => inputTokens + outputTokens > 0);
}

export function daysBefore(date: Date, days: number): Date {
  return new Date(date.getTime() - days * DAY_MS);
}

/** The date in UTC, which is the day the service counts by. */
export function dateOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
