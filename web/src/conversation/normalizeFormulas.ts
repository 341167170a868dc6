// Rewrites the formulas of an answer to the notation of the Markdown parser: double dollar signs. Delimiters whose
// content is no formula, such as amounts of money and escaped brackets, stay as they are. Pure.

import { codeRanges } from "./codeRanges";
import { hasMathSigns, isNumber, looksLikeMath } from "./looksLikeMath";

/** Up to the end of the paragraph or the next bracket. */
const BRACKETED = String.raw`(?:[^\\\n]|\\[^()\[\]]|\n(?!\s*\n))+?`;
/** Letters and digits of scripts that separate words by spaces. Others stand right beside a formula. */
const WORD = String.raw`\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}_`;
/** `$$…$$`, `\[…\]`, `\(…\)` and `$…$`. */
const FORMULA = new RegExp(
  [
    String.raw`(?<![\\$])\$\$(?!\$)(?<double>(?:\\.|[^$\\])+)\$\$(?!\$)`,
    String.raw`(?<![\\${WORD}])\\\[(?<display>${BRACKETED})\\\]`,
    String.raw`(?<![\\${WORD}])\\\((?<inline>${BRACKETED})\\\)`,
    String.raw`(?<![\\$/:@${WORD}])\$(?=[^\s$])(?<single>(?:[^$\n\\]|\\.)*)(?<=[^\s\\])\$(?=th\b|[^$${WORD}]|$)`,
  ].join("|"),
  "gsu",
);
const DOUBLE_DOLLARS = /(?<!\\)\$\$+/g;
const LIST_MARKER = /^([\s>]*)((?:[-*+]|\d+[.)])\s+)$/;

/** Leaves code, HTML and the addresses of links unchanged. */
export function normalizeFormulas(block: string): string {
  if (!/\$|\\[[(]/.test(block)) return block;
  let start = 0;
  let result = "";
  for (const [codeStart, codeEnd] of codeRanges(block)) {
    result += normalizeProse(block, start, codeStart) + block.slice(codeStart, codeEnd);
    start = codeEnd;
  }
  return result + normalizeProse(block, start, block.length);
}

/** Whether a block contains a formula. Expects the result of `normalizeFormulas`. */
export function hasFormulas(block: string): boolean {
  return block.includes("$$") || /^ {0,3}(?:`{3,}|~{3,})math/m.test(block);
}

function normalizeProse(block: string, from: number, to: number): string {
  const text = block.slice(from, to);
  let start = 0;
  let result = "";
  FORMULA.lastIndex = 0;
  for (let match = FORMULA.exec(text); match; match = FORMULA.exec(text)) {
    const end = match.index + match[0].length;
    const formula = formulaOf(match, lineBefore(block, from + match.index), lineAfter(block, from + end));
    if (formula === undefined) {
      FORMULA.lastIndex = match.index + (match.groups?.single === undefined ? 2 : 1);
      continue;
    }
    result += escapeDollars(text.slice(start, match.index)) + formula;
    start = end;
  }
  return result + escapeDollars(text.slice(start));
}

/** In the parser's notation. Undefined if the match is no formula. `before` and `after` are the rest of its lines. */
function formulaOf(match: RegExpExecArray, before: string, after: string): string | undefined {
  const { double, display, inline, single } = match.groups ?? {};
  if (double !== undefined) {
    const isAlone = after.trim() === "" && (/^[\s>]*$/.test(before) || LIST_MARKER.test(before));
    const isFormula = looksLikeMath(double) || isNumber(double) || (isAlone && /^\s*\n/.test(double));
    if (!isFormula) return undefined;
    return isAlone ? displayed(double, before) : `$$${double.trim().replaceAll(/\s*\n\s*/g, " ")}$$`;
  }
  if (display !== undefined) {
    const isSpaced = /^\s.*\s$/s.test(display) && !isNumber(display);
    return looksLikeMath(display) && (isSpaced || hasMathSigns(display)) ? displayed(display, before) : undefined;
  }
  if (inline !== undefined) return looksLikeMath(inline) ? `$$${inline.trim()}$$` : undefined;
  return single !== undefined && (looksLikeMath(single) || isNumber(single)) ? `$$${single}$$` : undefined;
}

/** A formula on lines of its own, inside of the list item or quotation that it belongs to. */
function displayed(formula: string, before: string): string {
  const [, quotation = "", marker = ""] = LIST_MARKER.exec(before) ?? /^([\s>]*)$/.exec(before) ?? [];
  const indent = quotation + " ".repeat(marker.length);
  const own = quotation.includes(">") ? formula.replaceAll(/\n[ \t]*(?:>[ \t]?)+/g, "\n") : formula;
  const indented = own
    .trim()
    .split("\n")
    .map((line) => indent + line.trimStart());
  return `\n${indent}$$\n${indented.join("\n")}\n${indent}$$\n`;
}

/** Escapes double dollar signs that delimit no formula, which the parser would take for one. */
function escapeDollars(text: string): string {
  return text.replace(DOUBLE_DOLLARS, (dollars) => "\\$".repeat(dollars.length));
}

function lineBefore(text: string, offset: number): string {
  return offset === 0 ? "" : text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
}

function lineAfter(text: string, offset: number): string {
  const end = text.indexOf("\n", offset);
  return text.slice(offset, end === -1 ? undefined : end);
}
