import { describe, expect, it } from "vitest";
import { inUnits } from "./size";

describe("a size", () => {
  it("is told in the number its unit needs", () => {
    expect([1, 34].map((bytes) => inUnits(bytes, "en"))).toEqual(["1 byte", "34 bytes"]);
    expect(inUnits(34, "de")).toBe("34 Byte");
  });

  it("is told in a larger unit when there is one", () => {
    expect(inUnits(3440, "en")).toBe("3.4 kB");
    expect(inUnits(34_400_000, "de").replace("\u00a0", " ")).toBe("34 MB");
  });
});
