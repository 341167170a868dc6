// Many conversations of one person, made as any client of the API makes them.

import type { Page } from "@playwright/test";
import { newId } from "../src/api/ids.ts";

/** Requests under way at once. */
const AT_ONCE = 48;

/** Asks one question in each of `number` new conversations at `url`. */
export async function population(page: Page, url: string, number: number): Promise<void> {
  const { token } = await (await page.request.get(`${url}/api/auth/token`)).json();
  const questions = Array.from({ length: number }, (_, index) => `Question number ${index + 1}`);
  const waiting = questions.values();
  const askAll = async () => {
    for (const text of waiting) await ask(url, token, text);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askAll));
}

/** Asks in a new conversation. */
export async function ask(url: string, token: string, text: string): Promise<void> {
  const response = await fetch(`${url}/v1/conversations/${newId()}/commands`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ type: "ask", question_id: newId(), text }),
  });
  if (response.status !== 202) throw new Error(`a question was answered with ${response.status}`);
}
