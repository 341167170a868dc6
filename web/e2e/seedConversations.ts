// Creates many conversations of a user through the API.

import { setTimeout as delay } from "node:timers/promises";
import { expect, type Page } from "@playwright/test";
import { newId } from "../src/api/ids.ts";
import type { components } from "../src/api/schema.d.ts";

type ConversationPage = components["schemas"]["PageOf_ConversationRow"];

const CONCURRENCY = 16;

/** Asks a question in each of `count` new conversations. Returns their ids in the order of the list. */
export async function seedConversations(page: Page, url: string, count: number): Promise<string[]> {
  const token = await fetchToken(page, url);
  const questions = Array.from({ length: count }, (_, index) => `Question number ${index + 1}`).values();
  const askAll = async () => {
    for (const text of questions) await startConversation(url, token, text);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, askAll));
  return waitForList(url, token, count);
}

/** The API token of the user who is signed in on the page. */
export async function fetchToken(page: Page, url: string): Promise<string> {
  const { token } = await (await page.request.get(`${url}/api/auth/token`)).json();
  return token;
}

/** Asks in a new conversation. Repeats the command while the service is overloaded. */
export async function startConversation(url: string, token: string, text: string): Promise<void> {
  const path = `${url}/v1/conversations/${newId()}/commands`;
  const body = JSON.stringify({ type: "ask", question_id: newId(), text });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  for (;;) {
    const { status, headers: received } = await fetch(path, { method: "POST", headers, body });
    if (status === 202) return;
    if (status !== 503) throw new Error(`the command was answered with status ${status}`);
    await delay(Number(received.get("retry-after") ?? 1) * 1000);
  }
}

async function waitForList(url: string, token: string, count: number): Promise<string[]> {
  let ids: string[] = [];
  await expect(async () => {
    ids = await fetchIds(url, token);
    expect(ids.length).toBe(count);
  }).toPass({ timeout: 120_000, intervals: [1000] });
  return ids;
}

async function fetchIds(url: string, token: string): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const address: string = `${url}/v1/conversations?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const response = await fetch(address, { headers: { authorization: `Bearer ${token}` } });
    const page: ConversationPage = await response.json();
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.next_cursor ?? undefined;
  }
  return ids;
}
