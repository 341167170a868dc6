// Splits the Markdown of an answer into blocks, so that only the last ones are parsed again while the answer
// grows. Pure.

import { fromMarkdown } from "mdast-util-from-markdown";
import remend from "remend";
import { isTooDeep } from "./isTooDeep";
import { closingTags, spannedLevels } from "./safeTags";

export interface Blocks {
  readonly text: string;
  readonly blocks: readonly string[];
}

export const NO_BLOCKS: Blocks = { text: "", blocks: [] };

/** More text may change the last blocks: a list or a table may continue after its last line. */
const OPEN_BLOCKS = 2;
/** Link definitions and footnotes refer to other blocks, so a text with them is a single block. */
const DEFINITION = /^ {0,3}\[[^\]]+\]:/m;

/** The blocks of a text. Reuses the blocks of an earlier beginning of the same text, except the open ones. */
export function splitBlocks(text: string, earlier: Blocks = NO_BLOCKS): Blocks {
  if (text === earlier.text) return earlier;
  if (DEFINITION.test(text)) return { text, blocks: [text] };
  const closed = text.startsWith(earlier.text) ? earlier.blocks.slice(0, -OPEN_BLOCKS) : [];
  const length = closed.reduce((sum, block) => sum + block.length, 0);
  return { text, blocks: [...closed, ...parseBlocks(text.slice(length))] };
}

/** Each block includes the space up to the next one, and all of an HTML element that spans several blocks. */
function parseBlocks(text: string): string[] {
  const starts: number[] = [];
  let levels = 0;
  for (const node of isTooDeep(text) ? [] : fromMarkdown(text).children) {
    if (levels === 0) starts.push(node.position?.start.offset ?? 0);
    if (node.type === "html") levels = Math.max(0, levels + spannedLevels(node.value));
  }
  if (starts.length === 0) return text === "" ? [] : [text];
  return starts.map((start, index) => text.slice(index === 0 ? 0 : start, starts[index + 1]));
}

/**
 * Closes the markup that a growing block has opened, so that its layout does not change when the end arrives.
 */
export function closeMarkup(block: string): string {
  const closed = remend(block);
  return closed + closingTags(closed);
}
