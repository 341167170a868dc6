import { describe, expect, it } from "vitest";
import { closeMarkup, splitBlocks } from "./splitBlocks";

const TEXT = "# Title\n\nOne.\nTwo.\n\n- a\n- b\n\n```js\nlet x;\n\nlet y;\n```\n\n| a |\n|---|\n| b |\n\nEnd";

describe("the blocks of an answer", () => {
  it("make up the whole text, whatever they were built from", () => {
    let growing = splitBlocks("");
    for (let length = 1; length <= TEXT.length; length++) {
      growing = splitBlocks(TEXT.slice(0, length), growing);
      expect(growing.blocks.join("")).toBe(TEXT.slice(0, length));
    }
    expect(growing.blocks).toEqual(splitBlocks(TEXT).blocks);
    expect(growing.blocks.length).toBe(6);
  });

  it("keep code in one piece", () => {
    expect(splitBlocks(TEXT).blocks[3]).toContain("let y;");
  });

  it("are built from scratch for another text", () => {
    expect(splitBlocks("Other", splitBlocks(TEXT)).blocks).toEqual(["Other"]);
  });

  it("are not split if there is a link definition", () => {
    expect(splitBlocks("See [it].\n\nMore.\n\n[it]: https://x.example").blocks.length).toBe(1);
  });

  it("have their markup closed while they grow", () => {
    expect(closeMarkup("This is **bol")).toBe("This is **bol**");
  });
});
