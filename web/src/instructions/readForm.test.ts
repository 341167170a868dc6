import { expect, test } from "vitest";
import { readForm } from "./readForm";

function form(instructions: string, temperature: string): FormData {
  const fields = new FormData();
  fields.set("instructions", instructions);
  fields.set("temperature", temperature);
  return fields;
}

test("empty fields take instructions and temperature back", () => {
  expect(readForm(form("  \n", ""))).toEqual({ instructions: null, temperature: null });
  expect(readForm(new FormData())).toEqual({ instructions: null, temperature: null });
});

test("a temperature of 0 is a temperature, and a comma separates decimals as well", () => {
  expect(readForm(form(" In verse. ", "0"))).toEqual({ instructions: "In verse.", temperature: 0 });
  expect(readForm(form("", "0,7"))).toEqual({ instructions: null, temperature: 0.7 });
});
