import { describe, expect, it } from "vitest";
import { splitHighlights } from "./highlight";

const parts = (snippet: string, highlights: number[][]) =>
  splitHighlights(snippet, highlights).map(({ text, isHighlight }) => (isHighlight ? `[${text}]` : text));

describe("the highlights of a snippet", () => {
  it("split it into parts", () => {
    expect(parts("so marmots sleep", [[3, 10]])).toEqual(["so ", "[marmots]", " sleep"]);
    expect(parts("marmots", [[0, 7]])).toEqual(["[marmots]"]);
    expect(parts("nothing", [])).toEqual(["nothing"]);
  });

  it("count Unicode characters", () => {
    expect(parts("🧀 Käse", [[2, 6]])).toEqual(["🧀 ", "[Käse]"]);
  });

  it("may overlap", () => {
    expect(
      parts("abcdef", [
        [0, 3],
        [2, 5],
      ]),
    ).toEqual(["[abc]", "[de]", "f"]);
  });
});
