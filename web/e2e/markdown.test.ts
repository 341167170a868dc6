import { expect } from "@playwright/test";
import { test } from "./fixtures.ts";
import { User } from "./user.ts";

const QUESTION = "Which signs are there?";

const ANSWER = `Press <kbd>Alt</kbd> for H<sub>2</sub>O; it costs $7 now, 12$ later, and \\[optional\\] is no formula, but $x^2$ is.

| part | steps |
|---|---|
| lid | lift<br>turn |

<details>
<summary>More</summary>

- **inside**

</details>

    echo $a$b
`;

test("an answer shows safe tags, formulas and dollars as they are meant", async ({ page, model }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await model.answer(QUESTION, ANSWER);
  await ada.ask(QUESTION);
  await ada.expectStatus("completed");
  const answer = ada.answer();
  await expect(answer.locator("kbd")).toHaveText("Alt");
  await expect(answer.locator("sub")).toHaveText("2");
  await expect(answer.locator("td br")).toHaveCount(1);
  await expect(answer).toContainText("$7 now, 12$ later, and [optional] is no formula");
  await expect(answer.locator(".katex")).toHaveCount(1);
  await expect(answer).toContainText("echo $a$b");
  await expect(answer.getByText("inside")).toBeHidden();
  await answer.getByText("More", { exact: true }).click();
  await expect(answer.getByText("inside")).toBeVisible();
});

test("very deep Markdown is shown as it was written, and the conversation goes on", async ({ page, model }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await model.answer("Which quotation is deep?", `Before.\n\n${">".repeat(9_000)} deep\n\nAfter.`);
  await ada.ask("Which quotation is deep?");
  await ada.expectStatus("completed");
  await expect(ada.answer()).toContainText("> deep");
  await expect(ada.answer()).toContainText("After.");
  await ada.ask("And what else?");
  await ada.expectStatus("completed");
  await expect(ada.answer()).toContainText("word12");
});
