// A story during which the browser is watched: the page throws no error, and does nothing its Content-Security-Policy refuses.

import { test as bare, expect } from "@playwright/test";

export const test = bare.extend<{ watched: undefined }>({
  watched: [
    async ({ context }, use) => {
      const problems: string[] = [];
      context.on("weberror", (problem) => problems.push(problem.error().message));
      context.on("console", (line) => {
        if (/Content Security Policy/i.test(line.text())) problems.push(line.text());
      });
      await use(undefined);
      expect(problems).toEqual([]);
    },
    { auto: true },
  ],
});
