// Texts that belong to names of the API.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const WEB = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(WEB, path), "utf8");

it("each limit of the service has a text in each language", () => {
  const { enum: names } = JSON.parse(read("openapi.json")).components.schemas.LimitName;
  expect(names.length).toBeGreaterThan(10);
  for (const language of ["en", "de"]) {
    const [, limits = ""] = read(`src/text/${language}.ts`).split("    limits: {");
    const known = [...limits.matchAll(/^ {6}(\w+):/gm)].map(([, name]) => name);
    expect(known).toEqual(expect.arrayContaining(names));
  }
});
