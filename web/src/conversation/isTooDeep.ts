// Recognises Markdown that is nested so deeply that parsing or rendering it would block the page. Pure.

/** Deeper than what a person reads, and far below what exhausts the stack. */
const MAX_LEVELS = 64;
/** Signs that can open emphasis in one paragraph. The parser's time grows with their square. */
const MAX_MARKS = 1_000;

const CONTAINER = /[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))/y;
const OPENING_MARKS = /[*_~]+(?=\S)/g;
/** The beginning of a line that continues no paragraph. */
const NEW_BLOCK = /^[ \t]*(?:$|[|>#]|[-*+][ \t]|\d{1,9}[.)][ \t])/;

export function isTooDeep(markdown: string): boolean {
  let brackets = 0;
  let marks = 0;
  for (const line of markdown.split("\n")) {
    if (levelsOf(line) > MAX_LEVELS) return true;
    // Links and emphasis do not continue in another block.
    const isNew = NEW_BLOCK.test(line);
    brackets = deepestBracket(line, isNew ? 0 : brackets);
    marks = marksIn(line) + (isNew ? 0 : marks);
    if (brackets > MAX_LEVELS || marks > MAX_MARKS) return true;
  }
  return false;
}

/** The quotations and list items that a line opens, and the list items that its indentation continues. */
function levelsOf(line: string): number {
  let levels = 0;
  CONTAINER.lastIndex = 0;
  while (CONTAINER.test(line)) levels += 1;
  const indentation = line.length - line.trimStart().length;
  return levels === 0 ? 0 : levels + Math.floor(indentation / 2);
}

/** The open brackets after a line, or as many as are too deep. `open` of them are open before it. */
function deepestBracket(line: string, open: number): number {
  let depth = open;
  for (let index = 0; index < line.length && depth <= MAX_LEVELS; index++) {
    if (line[index] === "[") depth += 1;
    if (line[index] === "]" && depth > 0) depth -= 1;
  }
  return depth;
}

function marksIn(line: string): number {
  let marks = 0;
  for (const [run] of line.matchAll(OPENING_MARKS)) marks += run.length;
  return marks;
}
