import { describe, expect, it } from "vitest";
import { hasFormulas, normalizeFormulas } from "./normalizeFormulas";

describe("formulas", () => {
  it("are recognised in every notation that models use", () => {
    expect(normalizeFormulas("so \\(x^2\\) is")).toBe("so $$x^2$$ is");
    expect(normalizeFormulas("so $x^2$ is")).toBe("so $$x^2$$ is");
    expect(normalizeFormulas("\\[ y \\]")).toBe("\n$$\ny\n$$\n");
    expect(hasFormulas(normalizeFormulas("$a$"))).toBe(true);
  });

  it("are not confused with amounts of money and code", () => {
    for (const text of ["costs $5 and $10", "`$x$`", "```\n$x$\n```", "\\$x\\$", "$5/$10"]) {
      expect(normalizeFormulas(text)).toBe(text);
    }
  });
});
