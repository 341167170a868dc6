import { expect } from "@playwright/test";
import { test } from "./fixtures.ts";
import { OtherOrigin, received, signInAndAsk } from "./otherOrigin.ts";
import { TestServer } from "./testServer.ts";
import { PASSWORD, User } from "./user.ts";

const QUESTION = "Tell me slowly what a page of another origin sees";

test("a page of another origin signs in, asks, and reads the answer while it is written", async ({ page, model }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  const other = await OtherOrigin.start();
  const server = await TestServer.startWithAccounts(() => ({ CORS_ORIGINS: other.origin }));
  try {
    await page.goto(other.origin);
    await model.hold(QUESTION, 12);
    const asked = { service: server.url, email: ada.email, password: PASSWORD, question: QUESTION };
    const read = await signInAndAsk(page, asked);
    expect(read).toEqual({
      session: expect.stringMatching(/./),
      etag: expect.stringMatching(/^"\d+"$/),
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    await expect.poll(() => received(page)).toContain("word10");
    expect(await received(page)).not.toContain("event: answer.completed");
    await model.release(QUESTION);
    await expect.poll(() => received(page)).toContain("event: answer.completed");
    // Closes the stream, whose end would be an error of the page.
    await page.goto("about:blank");
  } finally {
    await server.end();
    other.close();
  }
});

test("the page works below a base path, with its session apart from that of other services", async ({
  page,
  context,
  model,
}) => {
  const server = await TestServer.startWithAccounts((port) => ({
    PUBLIC_URL: `http://localhost:${port}/apps/colloquy`,
  }));
  const base = `${server.url}/apps/colloquy`;
  try {
    const outside: string[] = [];
    page.on("request", (request) => {
      const url = request.url();
      if (url.startsWith("http") && !url.startsWith(`${base}/`)) outside.push(url);
    });
    const ada = new User(page, "Ada");
    await ada.signUpAt(`${base}/settings`);
    await expect(page).toHaveURL(`${base}/settings`);
    await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
    await page.goto(`${base}/`);
    await model.hold(QUESTION, 12);
    await ada.ask(QUESTION);
    await expect(ada.answer()).toContainText("word10");
    await expect(page).toHaveURL(new RegExp(`^${base}/c/`));
    await page.reload();
    await expect(ada.answer()).toContainText("word10");
    await model.release(QUESTION);
    await ada.expectStatus("completed");
    const cookies = (await context.cookies()).filter(({ name }) => name.startsWith("colloquy."));
    expect(cookies.map(({ path }) => path)).toEqual(cookies.map(() => "/apps/colloquy"));
    expect(cookies.length).toBeGreaterThan(0);
    await page.goto(`${base}/docs`);
    await expect(page.getByText("/v1/conversations/{conversation_id}/commands").first()).toBeVisible();
    await expect(page.getByRole("combobox").first()).toHaveValue("/apps/colloquy");
    expect(outside).toEqual([]);
  } finally {
    await server.end();
  }
});
