// Finds formulas in an answer and writes them the one way the renderer reads: between double dollar signs. A single dollar
// sign opens a formula only where it cannot be money. Pure.

const CODE = /(`{3,}|~{3,})[\s\S]*?(?:\1|$)|(`+)[\s\S]*?\2/g;
const DISPLAY = /\\\[([\s\S]+?)\\\]/g;
const INLINE = /\\\(([\s\S]+?)\\\)/g;
const SINGLE = /(?<![\\$])\$(?=[^\s$])((?:[^$\n\\]|\\.)*?[^\s\\$]|[^\s\\$])\$(?![\d$])/g;

export function withFormulas(block: string): string {
  if (!/[$\\]/.test(block)) return block;
  let from = 0;
  let text = "";
  for (const code of block.matchAll(CODE)) {
    text += rewritten(block.slice(from, code.index)) + code[0];
    from = code.index + code[0].length;
  }
  return text + rewritten(block.slice(from));
}

/** Whether there is a formula in what `withFormulas` gave. */
export function hasFormulas(block: string): boolean {
  return block.includes("$$") || /^ {0,3}(?:`{3,}|~{3,})math/m.test(block);
}

function rewritten(text: string): string {
  return text
    .replace(DISPLAY, (_, formula: string) => `\n$$\n${formula.trim()}\n$$\n`)
    .replace(INLINE, (_, formula: string) => `$$${formula.trim()}$$`)
    .replace(SINGLE, (_, formula: string) => `$$${formula}$$`);
}
