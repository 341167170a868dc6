import type { Root } from "mdast";
import { describe, expect, it } from "vitest";
import { citationPlugin, splitMarks } from "./citationPlugin";

const upTo = (last: number) => (number: number) => number >= 1 && number <= last;
const split = (value: string, sources = 2) =>
  splitMarks({ type: "text", value }, upTo(sources)).map((part) =>
    part.type === "text" ? part.value : part.data?.hProperties?.dataNumber,
  );

describe("citation marks", () => {
  it("are found wherever there is a source with the number", () => {
    expect(split("So it is[1][2], they say [2].")).toEqual(["So it is", 1, 2, ", they say ", 2, "."]);
  });

  it("without a source are plain text", () => {
    expect(split("See [3] and [0] and [x].")).toEqual(["See [3] and [0] and [x]."]);
  });

  it("are not made of brackets in code and links", () => {
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
    citationPlugin(upTo(1))()(tree);
    const [paragraph] = tree.children;
    const [original] = before.children;
    if (paragraph?.type !== "paragraph" || original?.type !== "paragraph") throw new Error("not a paragraph");
    expect(paragraph.children.slice(0, 2)).toEqual(original.children.slice(0, 2));
    expect(paragraph.children[2]).toMatchObject({
      type: "strong",
      children: [{ type: "text", value: "so" }, { data: { hName: "cite" } }],
    });
  });
});
