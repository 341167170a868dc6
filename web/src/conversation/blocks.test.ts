import { describe, expect, it } from "vitest";
import { closed, cut } from "./blocks";

const TEXT = "# Title\n\nOne.\nTwo.\n\n- a\n- b\n\n```js\nlet x;\n\nlet y;\n```\n\n| a |\n|---|\n| b |\n\nEnd";

describe("an answer's blocks", () => {
  it("are together the whole text, whatever it was cut from before", () => {
    let growing = cut("");
    for (let length = 1; length <= TEXT.length; length++) {
      growing = cut(TEXT.slice(0, length), growing);
      expect(growing.blocks.join("")).toBe(TEXT.slice(0, length));
    }
    expect(growing.blocks).toEqual(cut(TEXT).blocks);
    expect(growing.blocks.length).toBe(6);
  });

  it("keep code in one piece, and begin anew when an attempt does", () => {
    expect(cut(TEXT).blocks[3]).toContain("let y;");
    expect(cut("Other", cut(TEXT)).blocks).toEqual(["Other"]);
  });

  it("stay whole where a definition reaches across", () => {
    expect(cut("See [it].\n\nMore.\n\n[it]: https://x.example").blocks.length).toBe(1);
  });

  it("are closed while they are being written", () => {
    expect(closed("This is **bol")).toBe("This is **bol**");
  });
});
