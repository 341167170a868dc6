// Somebody at the page: what they see and do, in their words.

import { randomUUID } from "node:crypto";
import { expect, type Page } from "@playwright/test";

const PASSWORD = "a long enough password";

export class Person {
  readonly email = `${randomUUID()}@example.test`;
  readonly name: string;
  readonly page: Page;

  constructor(page: Page, name: string) {
    this.page = page;
    this.name = name;
  }

  async signUp(): Promise<void> {
    await this.page.goto("/");
    await this.page.getByRole("link", { name: "Create an account" }).click();
    await this.page.getByLabel("Name").fill(this.name);
    await this.fillCredentials();
    await this.page.getByRole("button", { name: "Sign up" }).click();
    await expect(this.composer()).toBeVisible();
  }

  async signIn(): Promise<void> {
    await this.fillCredentials();
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await expect(this.composer()).toBeVisible();
  }

  async signOut(): Promise<void> {
    await this.page.getByRole("button", { name: /^Account/ }).click();
    await this.page.getByRole("menuitem", { name: "Sign out" }).click();
    await expect(this.page.getByRole("button", { name: "Sign in" })).toBeVisible();
  }

  async ask(question: string): Promise<void> {
    await this.composer().fill(question);
    await this.composer().press("Enter");
    await expect(this.page.getByRole("article", { name: "You" }).last()).toContainText(question);
  }

  composer() {
    return this.page.getByRole("textbox", { name: "Your question" });
  }

  answer() {
    return this.page.getByRole("article", { name: "Colloquy" }).last();
  }

  history() {
    return this.page.getByRole("navigation", { name: "Conversations" });
  }

  private async fillCredentials(): Promise<void> {
    await this.page.getByLabel("E-mail").fill(this.email);
    await this.page.getByLabel("Password").fill(PASSWORD);
  }
}

/** Notes each length the text of the newest answer has on its way, from now on. */
export async function watchAnswer(page: Page): Promise<() => Promise<number[]>> {
  await page.evaluate(() => {
    const lengths: number[] = [];
    new MutationObserver(() => {
      const answers = document.querySelectorAll("article[data-status]");
      const length = answers[answers.length - 1]?.textContent?.length ?? 0;
      if (length !== lengths.at(-1)) lengths.push(length);
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
    Object.assign(window, { answerLengths: lengths });
  });
  return () => page.evaluate(() => (window as unknown as { answerLengths: number[] }).answerLengths);
}
