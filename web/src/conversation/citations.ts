// Turns `[1]` in an answer into a citation mark, where there is such a source. Works on the parsed Markdown, so that
// brackets in code and links stay what they are.

import type { Nodes, PhrasingContent, Root, RootContent, Text } from "mdast";
import type {} from "mdast-util-to-hast";

/** The element a mark becomes; its number is in `data-number`. */
export const MARK_ELEMENT = "cite";

const MARK = /\[(\d{1,3})\]/g;

/** A remark plugin. `known` says whether a number has a source. */
export function citationMarks(known: (number: number) => boolean) {
  return () => (tree: Root) => marked(tree, known);
}

function marked(node: Nodes, known: (number: number) => boolean): void {
  if (!("children" in node) || node.type === "link" || node.type === "linkReference") return;
  const children: RootContent[] = node.children;
  const parts = children.flatMap((child): RootContent[] => {
    if (child.type === "text") return split(child, known);
    marked(child, known);
    return [child];
  });
  // A text only ever becomes phrasing content, which may stand wherever it stood.
  Object.assign(node, { children: parts });
}

/** The parts of a text around the marks in it. */
export function split(text: Text, known: (number: number) => boolean): PhrasingContent[] {
  const parts: PhrasingContent[] = [];
  let from = 0;
  for (const found of text.value.matchAll(MARK)) {
    const number = Number(found[1]);
    if (!known(number)) continue;
    if (found.index > from) parts.push({ type: "text", value: text.value.slice(from, found.index) });
    parts.push(mark(number));
    from = found.index + found[0].length;
  }
  if (from < text.value.length) parts.push({ type: "text", value: text.value.slice(from) });
  return parts;
}

function mark(number: number): PhrasingContent {
  const data = { hName: MARK_ELEMENT, hProperties: { dataNumber: number } };
  return { type: "emphasis", children: [{ type: "text", value: String(number) }], data };
}
