import { expect } from "@playwright/test";
import { test } from "./fixtures.ts";
import { User } from "./user.ts";

// The test fails if the page of the API violates its Content-Security-Policy.
test("a developer tries a request on the page of the API", async ({ page }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  const token = await page.evaluate(async () => {
    const response = await fetch("/api/auth/token");
    const body: { token: string } = await response.json();
    return body.token;
  });
  await page.goto("/docs");
  await page.getByRole("button", { name: "Authorize" }).first().click();
  await page.locator(".auth-container input").first().fill(token);
  await page
    .locator(".auth-btn-wrapper")
    .getByRole("button", { name: /authorize|apply/i })
    .click();
  await page.locator(".auth-btn-wrapper").getByRole("button", { name: "Close" }).click();
  const operation = page.locator("[id$='-me'].opblock");
  await operation.locator(".opblock-summary").click();
  await operation.getByRole("button", { name: "Try it out" }).click();
  await operation.getByRole("button", { name: "Execute" }).click();
  await expect(operation.locator(".live-responses-table .response .response-col_status")).toContainText("200");
  await expect(operation.locator(".live-responses-table")).toContainText('"role"');
});
