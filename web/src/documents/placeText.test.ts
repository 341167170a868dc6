import { expect, it } from "vitest";
import { de } from "../text/de";
import { en } from "../text/en";
import { placeText } from "./placeText";

it("names the place of a passage as its file does", () => {
  expect(placeText({ type: "pages", first: 4, last: 4 }, en)).toBe("Page 4");
  expect(placeText({ type: "pages", first: 4, last: 5 }, de)).toBe("Seiten 4–5");
  expect(placeText({ type: "slide", number: 3 }, de)).toBe("Folie 3");
  expect(placeText({ type: "cells", sheet: "Parts", range: "A2:F9" }, en)).toBe("Sheet “Parts”, A2:F9");
  expect(placeText({ type: "rows", first: 2, last: 9 }, en)).toBe("Rows 2–9");
});
