// Many conversations of one person, made as any client of the API makes them.

import { expect, type Page } from "@playwright/test";
import { newId } from "../src/api/ids.ts";

/** Requests under way at once. */
const AT_ONCE = 48;

/** Asks one question in each of `number` new conversations at `url`; their ids as they are listed when all of them are. */
export async function population(page: Page, url: string, number: number): Promise<string[]> {
  const token = await tokenOf(page, url);
  const questions = Array.from({ length: number }, (_, index) => `Question number ${index + 1}`);
  const waiting = questions.values();
  const askAll = async () => {
    for (const text of waiting) await ask(url, token, text);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askAll));
  return whenListed(url, token, number);
}

/** The token of whoever is signed in. */
export async function tokenOf(page: Page, url: string): Promise<string> {
  const { token } = await (await page.request.get(`${url}/api/auth/token`)).json();
  return token;
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

async function whenListed(url: string, token: string, number: number): Promise<string[]> {
  let ids: string[] = [];
  await expect(async () => {
    ids = await allIds(url, token);
    expect(ids.length).toBe(number);
  }).toPass({ timeout: 60_000, intervals: [1000] });
  return ids;
}

async function allIds(url: string, token: string): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const address: string = `${url}/v1/conversations?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const response = await fetch(address, { headers: { authorization: `Bearer ${token}` } });
    const page = (await response.json()) as { items: { id: string }[]; next_cursor?: string | null };
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.next_cursor ?? undefined;
  }
  return ids;
}
