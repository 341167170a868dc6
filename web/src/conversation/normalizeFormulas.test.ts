import { describe, expect, it } from "vitest";
import { hasFormulas, normalizeFormulas } from "./normalizeFormulas";

describe("formulas", () => {
  it("are recognised in every notation that models use", () => {
    expect(normalizeFormulas("so \\(x^2\\) is")).toBe("so $$x^2$$ is");
    expect(normalizeFormulas("so $x^2$ is")).toBe("so $$x^2$$ is");
    expect(normalizeFormulas("\\[ y \\]")).toBe("\n$$\ny\n$$\n");
    expect(normalizeFormulas("$$\na\n$$")).toBe("\n$$\na\n$$\n");
    expect(hasFormulas(normalizeFormulas("$a$"))).toBe(true);
  });

  it.each([
    ["$n$", "$$n$$"],
    ["the $n$th of $x, y$ and $f(x)$", "the $$n$$th of $$x, y$$ and $$f(x)$$"],
    ["$\\alpha$-helix ($\\frac{1}{2}$).", "$$\\alpha$$-helix ($$\\frac{1}{2}$$)."],
    ["$v = 5\\,\\text{metres a second}$", "$$v = 5\\,\\text{metres a second}$$"],
    ["$\\sin x + cos(y)$", "$$\\sin x + cos(y)$$"],
    ["其中$x$是未知数", "其中$$x$$是未知数"],
    ["$n!$ and $|x|$ and $a/b$", "$$n!$$ and $$|x|$$ and $$a/b$$"],
    ["a \\(k\\) b", "a $$k$$ b"],
  ])("are recognised in %s", (text, expected) => {
    expect(normalizeFormulas(text)).toBe(expected);
  });

  it("stay in the list item or quotation that they belong to", () => {
    expect(normalizeFormulas("1. \\[ x = 1 \\]")).toBe("1. \n   $$\n   x = 1\n   $$\n");
    expect(normalizeFormulas("> \\[\n> x = 1\n> \\]")).toBe("> \n> $$\n> x = 1\n> $$\n");
  });
});

describe("text that is no formula", () => {
  it.each([
    "costs $5 and $10",
    "$5/$10",
    "Now $7, later 12$ (or 9$ for two).",
    "between $5-10$, 5$ to 6$",
    "| $3 | 4$ |",
    "`$x$`",
    "```\n$x$\n```",
    "    echo $a$b",
    "- item\n\n      echo $x$",
    "\\$x\\$",
    "cp $SRC/a:$DST/b and $x$y",
    "Mail $USER@$HOST, $NAME.",
    "[go](https://x.example/$a$/\\(b\\))",
    "use \\[optional\\] or \\(see below\\) brackets",
    "a\\[0\\], list\\[i+1\\], item\\(s\\), \\[x\\] done, \\[1\\]",
  ])("stays as it is: %s", (text) => {
    expect(normalizeFormulas(text)).toBe(text);
  });

  it("is escaped where the parser would take it for a formula", () => {
    expect(normalizeFormulas("`$$` is the process: kill $$ or echo $$")).toBe(
      "`$$` is the process: kill \\$\\$ or echo \\$\\$",
    );
    expect(hasFormulas(normalizeFormulas("$$ is the process"))).toBe(false);
  });

  it("does not hide a formula beside it", () => {
    expect(normalizeFormulas("$5 for \\[one\\] where $x = 1$")).toBe("$5 for \\[one\\] where $$x = 1$$");
  });
});
