import { describe, expect, it } from "vitest";
import { formatBytes } from "./formatBytes";

describe("the size of a file", () => {
  it("has a plural for bytes", () => {
    expect([1, 34].map((bytes) => formatBytes(bytes, "en"))).toEqual(["1 byte", "34 bytes"]);
    expect(formatBytes(34, "de")).toBe("34 Byte");
  });

  it("uses the largest unit that fits", () => {
    expect(formatBytes(3440, "en")).toBe("3.4 kB");
    expect(formatBytes(34_400_000, "de").replace("\u00a0", " ")).toBe("34 MB");
  });
});
