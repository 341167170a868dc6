// A user of the page: signs in, asks, and finds the parts of the page by their roles.

import { randomUUID } from "node:crypto";
import { expect, type Page } from "@playwright/test";

export const PASSWORD = "a long enough password";

export class User {
  readonly email = `${randomUUID()}@example.test`;
  readonly name: string;
  readonly page: Page;

  constructor(page: Page, name: string) {
    this.page = page;
    this.name = name;
  }

  async signUp(): Promise<void> {
    await this.signUpAt("/");
    await expect(this.composer()).toBeVisible();
  }

  /** Opens an address that needs an account, and signs up. */
  async signUpAt(address: string): Promise<void> {
    await this.page.goto(address);
    await this.page.getByRole("link", { name: "Create an account" }).click();
    await this.page.getByLabel("Name").fill(this.name);
    await this.fillCredentials();
    await this.page.getByRole("button", { name: "Sign up" }).click();
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

  /** Waits until the latest answer has a status. */
  async expectStatus(status: "streaming" | "completed" | "stopped"): Promise<void> {
    await expect(this.answer()).toHaveAttribute("data-status", status);
  }

  /** Runs an action that sends a command, and waits until the service has accepted the command. */
  async expectCommand(action: () => Promise<void>): Promise<void> {
    const response = this.page.waitForResponse((received) => received.url().endsWith("/commands"));
    await action();
    expect((await response).status()).toBe(202);
  }

  composer() {
    return this.page.getByRole("textbox", { name: "Your question" });
  }

  /** The latest answer. */
  answer() {
    return this.page.getByRole("article", { name: "Colloquy" }).last();
  }

  /** The list of conversations. */
  list() {
    return this.page.getByRole("navigation", { name: "Conversations" });
  }

  private async fillCredentials(): Promise<void> {
    await this.page.getByLabel("E-mail").fill(this.email);
    await this.page.getByLabel("Password").fill(PASSWORD);
  }
}
