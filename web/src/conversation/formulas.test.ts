import { describe, expect, it } from "vitest";
import { hasFormulas, withFormulas } from "./formulas";

describe("formulas", () => {
  it("are found in every way models write them", () => {
    expect(withFormulas("so \\(x^2\\) is")).toBe("so $$x^2$$ is");
    expect(withFormulas("so $x^2$ is")).toBe("so $$x^2$$ is");
    expect(withFormulas("\\[ y \\]")).toBe("\n$$\ny\n$$\n");
    expect(hasFormulas(withFormulas("$a$"))).toBe(true);
  });

  it("are not money, and not code", () => {
    for (const text of ["costs $5 and $10", "`$x$`", "```\n$x$\n```", "\\$x\\$", "$5/$10"]) {
      expect(withFormulas(text)).toBe(text);
    }
  });
});
