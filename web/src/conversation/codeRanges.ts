// Finds the parts of a Markdown text that are not prose: code, HTML, and the addresses of links. Pure.

import type { Nodes } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";

/** Offsets of the first character, and of the one after the last. */
export type Range = readonly [start: number, end: number];

/** The ranges in the order of the text, without overlaps. */
export function codeRanges(text: string): Range[] {
  const ranges: Range[] = [];
  const open: Nodes[] = [fromMarkdown(text)];
  for (let node = open.pop(); node; node = open.pop()) {
    const range = rangeOf(node);
    if (range) ranges.push(range);
    if ("children" in node) open.push(...node.children.toReversed());
  }
  return ranges.sort(([one], [other]) => one - other);
}

function rangeOf(node: Nodes): Range | undefined {
  const { position } = node;
  const [start, end] = [position?.start.offset, position?.end.offset];
  if (start === undefined || end === undefined) return undefined;
  switch (node.type) {
    case "code":
    case "inlineCode":
    case "html":
    case "definition":
    case "image":
      return [start, end];
    case "link":
      return [node.children.at(-1)?.position?.end.offset ?? start, end];
    default:
      return undefined;
  }
}
