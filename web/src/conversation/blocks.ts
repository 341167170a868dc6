// Cuts an answer's Markdown into blocks, so that while it grows only its end is drawn anew. Pure.

import { fromMarkdown } from "mdast-util-from-markdown";
import remend from "remend";

export interface Cut {
  readonly text: string;
  readonly blocks: readonly string[];
}

export const NOTHING: Cut = { text: "", blocks: [] };

/** How many blocks at the end may still change when more text comes: a list or a table goes on after its last line. */
const UNSETTLED = 2;
/** These reach across blocks, so such a text stays in one piece. */
const REACHES_ACROSS = /^ {0,3}\[[^\]]+\]:/m;

/** The blocks of a text; what an earlier cut of its beginning settled is not looked at again. */
export function cut(text: string, earlier: Cut = NOTHING): Cut {
  if (text === earlier.text) return earlier;
  if (REACHES_ACROSS.test(text)) return { text, blocks: [text] };
  const settled = text.startsWith(earlier.text) ? earlier.blocks.slice(0, -UNSETTLED) : [];
  const from = settled.reduce((length, block) => length + block.length, 0);
  const rest = text.slice(from);
  return { text, blocks: [...settled, ...blocksOf(rest)] };
}

/** Each block reaches to the beginning of the next one. */
function blocksOf(text: string): string[] {
  const starts = fromMarkdown(text).children.map(({ position }) => position?.start.offset ?? 0);
  return starts.map((start, index) => text.slice(index === 0 ? 0 : start, starts[index + 1]));
}

/** A block that is still being written, with what it has opened closed, so that nothing jumps when the end arrives. */
export function closed(block: string): string {
  return remend(block);
}
