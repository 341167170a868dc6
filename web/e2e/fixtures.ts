// The `test` function of all tests in the browser. A test fails if the page throws an error or
// violates its Content-Security-Policy.

import { test as base, expect } from "@playwright/test";
import { ScriptedModel } from "./scriptedModel.ts";

interface Fixtures {
  model: ScriptedModel;
  pageErrors: undefined;
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright requires a destructured parameter
  model: async ({}, use) => {
    const model = new ScriptedModel();
    await use(model);
    await model.reset();
  },
  pageErrors: [
    async ({ context }, use) => {
      const errors: string[] = [];
      context.on("weberror", (error) => errors.push(error.error().message));
      context.on("console", (message) => {
        if (/Content Security Policy/i.test(message.text())) errors.push(message.text());
      });
      await use(undefined);
      expect(errors).toEqual([]);
    },
    { auto: true },
  ],
});
