import { expect, test } from "vitest";
import type { Omission } from "../api/types";
import { de } from "../text/de";
import { en } from "../text/en";
import { omissionText } from "./omissionText";

const pages: Omission = { part: { type: "pages", first: 41, last: 90 }, cause: "recognition_limit" };
const file: Omission = { part: { type: "file", name: "b.bin" }, file: "a.zip", cause: "unsupported" };

test("an omission names its part and its reason in the reader's language", () => {
  expect(omissionText(pages, en)).toBe("Pages 41 to 90 could not be recognised within the limit.");
  expect(omissionText(pages, de)).toBe("Seiten 41 bis 90: innerhalb der Grenze nicht erkannt.");
  expect(omissionText(file, en)).toBe("File “b.bin” of “a.zip” could not be read, because this type is not supported.");
  expect(omissionText(file, de)).toBe("Datei „b.bin“ in „a.zip“: Diese Art wird nicht unterstützt.");
});

test("parts that are not listed are counted", () => {
  expect(omissionText({ part: { type: "more", count: 1234 }, cause: "limit" }, de)).toBe(
    "1.234 weitere Teile nicht gelesen.",
  );
});
