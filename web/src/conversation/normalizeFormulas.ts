// Rewrites the formulas of an answer to the notation of the Markdown parser: double dollar signs. A single
// dollar sign counts as a delimiter only if it cannot be a currency. Pure.

const CODE = /(`{3,}|~{3,})[\s\S]*?(?:\1|$)|(`+)[\s\S]*?\2/g;
const DISPLAY = /\\\[([\s\S]+?)\\\]/g;
const INLINE = /\\\(([\s\S]+?)\\\)/g;
const SINGLE_DOLLAR = /(?<![\\$])\$(?=[^\s$])((?:[^$\n\\]|\\.)*?[^\s\\$]|[^\s\\$])\$(?![\d$])/g;

/** Leaves code unchanged. */
export function normalizeFormulas(block: string): string {
  if (!/[$\\]/.test(block)) return block;
  let start = 0;
  let result = "";
  for (const code of block.matchAll(CODE)) {
    result += normalizeText(block.slice(start, code.index)) + code[0];
    start = code.index + code[0].length;
  }
  return result + normalizeText(block.slice(start));
}

/** Whether a block contains a formula. Expects the result of `normalizeFormulas`. */
export function hasFormulas(block: string): boolean {
  return block.includes("$$") || /^ {0,3}(?:`{3,}|~{3,})math/m.test(block);
}

function normalizeText(text: string): string {
  return text
    .replace(DISPLAY, (_, formula: string) => `\n$$\n${formula.trim()}\n$$\n`)
    .replace(INLINE, (_, formula: string) => `$$${formula.trim()}$$`)
    .replace(SINGLE_DOLLAR, (_, formula: string) => `$$${formula}$$`);
}
