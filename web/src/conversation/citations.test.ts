import type { Root } from "mdast";
import { describe, expect, it } from "vitest";
import { citationMarks, split } from "./citations";

const upTo = (most: number) => (number: number) => number >= 1 && number <= most;
const shown = (value: string, most = 2) =>
  split({ type: "text", value }, upTo(most)).map((part) =>
    part.type === "text" ? part.value : part.data?.hProperties?.dataNumber,
  );

describe("citation marks", () => {
  it("are found wherever a source has their number", () => {
    expect(shown("So it is[1][2], they say [2].")).toEqual(["So it is", 1, 2, ", they say ", 2, "."]);
  });

  it("without a source stay as they were written", () => {
    expect(shown("See [3] and [0] and [x].")).toEqual(["See [3] and [0] and [x]."]);
  });

  it("are left alone in code and links", () => {
    const tree: Root = {
      type: "root",
      children: [
        {
          type: "paragraph",
          children: [
            { type: "inlineCode", value: "list[1]" },
            { type: "link", url: "#", children: [{ type: "text", value: "[1]" }] },
            { type: "strong", children: [{ type: "text", value: "so[1]" }] },
          ],
        },
      ],
    };
    const before = structuredClone(tree);
    citationMarks(upTo(1))()(tree);
    const [paragraph] = tree.children;
    const [old] = before.children;
    if (paragraph?.type !== "paragraph" || old?.type !== "paragraph") throw new Error("not a paragraph");
    expect(paragraph.children.slice(0, 2)).toEqual(old.children.slice(0, 2));
    expect(paragraph.children[2]).toMatchObject({
      type: "strong",
      children: [{ type: "text", value: "so" }, { data: { hName: "cite" } }],
    });
  });
});
