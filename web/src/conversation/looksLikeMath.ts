// Tells formulas from prose, amounts of money, and code between the delimiters of formulas. Pure.

/** The text of these TeX commands is prose: `\text{if}`. */
const PROSE_COMMAND = /\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|operatorname|mbox|begin|end)\s*\{[^{}]*\}/g;
const COMMAND = /\\[a-zA-Z]+/g;
const FUNCTION = /\b(?:sin|cos|tan|log|exp|min|max|lim|mod|gcd|det|dim|ker|deg|arg|sup|inf)\b/g;
/** Spaces, alignment and escaped signs of TeX. */
const LAYOUT = /\\[;,:!&#$% ]|&/g;
/** A word, which no formula contains without a command. */
const WORD = /\p{L}{3,}/u;
/** Signs of sentences and of code. */
const PROSE_SIGN = /["“”„;?#@`]|[.,:]\s+\p{Lu}\p{L}|:$/u;
/** Signs that are rare outside of formulas. */
const MATH_SIGN = /[\^_=<>≤≥≠≈±×÷·∈∑∫√→+*]|\S\s+[-/]\s+\S|\p{L}\s*[-/!]|[-−]\s*\p{L}/u;
/** `x`, `2n`, `f'`, `f(x)`, `-x`; `a, b`; `[a, b]`; `|x|`; `αβγ`. */
const TERMS = [
  /^[-−]?\d*\p{L}{1,2}'*(?:\s*\([^()]*\))?$/u,
  /^\p{L}'*(?:\s*,\s*\p{L}'*)+$/u,
  /^[([]\s*[^\s,]+(?:\s*,\s*[^\s,]+)+\s*[)\]]$/,
  /^\|[^|]+\|$/,
  /^\p{Script=Greek}+$/u,
];
const NUMBER = /^\s*[-−]?\d+(?:[.,]\d+)*\s*%?\s*$/;

/** Whether the content has no prose, and has signs of a formula or is a name. */
export function looksLikeMath(content: string): boolean {
  const bare = withoutCommands(content);
  return !isProse(bare) && (hasMathSigns(content) || TERMS.some((term) => term.test(bare.trim())));
}

/** Whether the content has a command or a sign that is rare outside of formulas. */
export function hasMathSigns(content: string): boolean {
  return /\\[a-zA-Z]/.test(content) || MATH_SIGN.test(withoutCommands(content));
}

/** Whether the content is a number alone, which may be a formula, too. */
export function isNumber(content: string): boolean {
  return NUMBER.test(content);
}

function isProse(bare: string): boolean {
  return WORD.test(bare) || PROSE_SIGN.test(bare.trim());
}

function withoutCommands(content: string): string {
  return content.replace(PROSE_COMMAND, " ").replace(COMMAND, " ").replace(FUNCTION, " ").replace(LAYOUT, " ");
}
