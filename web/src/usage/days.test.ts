import { expect, it } from "vitest";
import { hasTokens, usagePerDay } from "./days";

const item = (day: string, model: string, prompt_tokens: number) => ({
  day,
  model,
  answers: 1,
  prompt_tokens,
  completion_tokens: 1,
});

it("sums the answers and tokens of all models per day and includes days without usage", () => {
  const items = [item("2026-01-31", "a", 10), item("2026-01-31", "b", 5), item("2026-01-29", "a", 7)];
  expect(usagePerDay(items, new Date("2026-01-31T23:00:00Z"), 3)).toEqual([
    { date: "2026-01-29", answers: 1, inputTokens: 7, outputTokens: 1 },
    { date: "2026-01-30", answers: 0, inputTokens: 0, outputTokens: 0 },
    { date: "2026-01-31", answers: 2, inputTokens: 15, outputTokens: 2 },
  ]);
});

it("ignores days outside of the period", () => {
  expect(usagePerDay([item("2025-12-01", "a", 10)], new Date("2026-01-31T00:00:00Z"), 1)).toEqual([
    { date: "2026-01-31", answers: 0, inputTokens: 0, outputTokens: 0 },
  ]);
});

it("counts quoted answers, which need no tokens", () => {
  const quoted = { ...item("2026-01-31", "quote", 0), answers: 3, completion_tokens: 0 };
  const days = usagePerDay([quoted], new Date("2026-01-31T00:00:00Z"), 1);
  expect(days).toEqual([{ date: "2026-01-31", answers: 3, inputTokens: 0, outputTokens: 0 }]);
  expect(hasTokens(days)).toBe(false);
});
