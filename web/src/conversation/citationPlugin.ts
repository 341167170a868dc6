// A remark plugin that turns `[1]` into a citation mark if there is a source with this number. Works on the
// syntax tree, so brackets in code and links are not changed.

import type { Nodes, PhrasingContent, Root, RootContent, Text } from "mdast";
import type {} from "mdast-util-to-hast";

/** The HTML element of a mark. Its property `dataNumber` is the number of the source. */
const MARK_ELEMENT = "cite";

const MARK = /\[(\d{1,3})\]/g;

export function citationPlugin(hasSource: (number: number) => boolean) {
  return () => (tree: Root) => markCitations(tree, hasSource);
}

function markCitations(node: Nodes, hasSource: (number: number) => boolean): void {
  if (!("children" in node) || node.type === "link" || node.type === "linkReference") return;
  const children: RootContent[] = node.children;
  const parts = children.flatMap((child): RootContent[] => {
    if (child.type === "text") return splitMarks(child, hasSource);
    markCitations(child, hasSource);
    return [child];
  });
  // The types of children differ by node, but phrasing content is allowed wherever text is.
  Object.assign(node, { children: parts });
}

/** Splits a text at the marks that have a source. */
export function splitMarks(text: Text, hasSource: (number: number) => boolean): PhrasingContent[] {
  const parts: PhrasingContent[] = [];
  let start = 0;
  for (const match of text.value.matchAll(MARK)) {
    const number = Number(match[1]);
    if (!hasSource(number)) continue;
    if (match.index > start) parts.push({ type: "text", value: text.value.slice(start, match.index) });
    parts.push(mark(number));
    start = match.index + match[0].length;
  }
  if (start < text.value.length) parts.push({ type: "text", value: text.value.slice(start) });
  return parts;
}

function mark(number: number): PhrasingContent {
  const data = { hName: MARK_ELEMENT, hProperties: { dataNumber: number } };
  return { type: "emphasis", children: [{ type: "text", value: String(number) }], data };
}
