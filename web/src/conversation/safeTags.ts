// The HTML tags that are rendered in an answer. Their attributes are not, and all other HTML is shown as text. Pure.

const CONTAINERS = ["details", "summary", "div", "p", "blockquote", "center"];
const PHRASES = ["sub", "sup", "kbd", "b", "strong", "i", "em", "u", "s", "del", "ins", "mark", "small", "code", "q"];
const LISTS = ["ul", "ol", "li", "dl", "dt", "dd"];
const VOID = new Set(["br", "hr", "wbr"]);
const SAFE = new Set([...CONTAINERS, ...PHRASES, ...LISTS, "span", "var", "samp", "abbr", ...VOID]);
/** Between the tags of these, Markdown continues over several blocks. */
const SPANNING = new Set(["details", "div"]);

const TAG = /<(\/?)([a-z][a-z0-9]*)((?:\s[^<>]*?)?)\s*\/?>|<!--[\s\S]*?-->/gi;
const CODE = /(`{3,}|~{3,})[\s\S]*?(?:\1|$)|(`+)[^`][\s\S]*?\2/g;

/** `text` is the source of a token. */
export type HtmlToken =
  | { kind: "text"; text: string }
  | { kind: "void" | "close"; text: string; tag: string }
  | { kind: "open"; text: string; tag: string; isOpen: boolean };

/** Tags that are not safe are text. Comments are left out. */
export function tokensOf(html: string): HtmlToken[] {
  const tokens: HtmlToken[] = [];
  let start = 0;
  for (const match of html.matchAll(TAG)) {
    const token = tokenOf(match);
    if (token?.kind === "text") continue;
    if (match.index > start) tokens.push({ kind: "text", text: html.slice(start, match.index) });
    if (token) tokens.push(token);
    start = match.index + match[0].length;
  }
  if (start < html.length) tokens.push({ kind: "text", text: html.slice(start) });
  return tokens;
}

/** The tags that close what a growing text has opened, without its code. */
export function closingTags(markdown: string): string {
  if (!markdown.includes("<")) return "";
  const open: string[] = [];
  for (const token of tokensOf(markdown.replace(CODE, ""))) {
    if (token.kind === "open") open.push(token.tag);
    if (token.kind === "close" && open.includes(token.tag)) open.length = open.lastIndexOf(token.tag);
  }
  const isSpanning = open.some((tag) => SPANNING.has(tag));
  return open.length === 0
    ? ""
    : (isSpanning ? "\n\n" : "") +
        open
          .map((tag) => `</${tag}>`)
          .toReversed()
          .join("");
}

/** By how many levels a piece of HTML opens elements that span several blocks, more than it closes. */
export function spannedLevels(html: string): number {
  let levels = 0;
  for (const token of tokensOf(html)) {
    if (token.kind === "open" && SPANNING.has(token.tag)) levels += 1;
    if (token.kind === "close" && SPANNING.has(token.tag)) levels -= 1;
  }
  return levels;
}

/** Undefined for a comment. */
function tokenOf([text, slash, name, attributes = ""]: RegExpMatchArray): HtmlToken | undefined {
  if (name === undefined) return undefined;
  const tag = name.toLowerCase();
  if (!SAFE.has(tag)) return { kind: "text", text };
  if (VOID.has(tag)) return { kind: "void", text, tag };
  if (slash) return { kind: "close", text, tag };
  return { kind: "open", text, tag, isOpen: tag === "details" && /\bopen\b/i.test(attributes) };
}
