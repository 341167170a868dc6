// A rehype plugin that renders safe HTML tags, without their attributes. All other HTML stays text.

import type { Element, ElementContent, Root, RootContent } from "hast";
import type {} from "mdast-util-to-hast";
import { type HtmlToken, tokensOf } from "./safeTags";

/** Tags inside of so many others are shown as text. */
const MAX_DEPTH = 32;
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

export function htmlPlugin() {
  return (tree: Root) => {
    tree.children = withElements(tree.children);
  };
}

type Content = RootContent | ElementContent;

/** An element whose closing tag has not been found yet. */
interface OpenElement {
  element: Element;
  /** The source of its opening tag. */
  source: string;
}

function withElements<Node extends Content>(children: readonly Node[]): Node[] {
  const result: Content[] = [];
  const open: OpenElement[] = [];
  const add = (...nodes: Content[]) => {
    const parent: Content[] = open.at(-1)?.element.children ?? result;
    parent.push(...nodes);
  };
  const abandon = () => {
    const last = open.pop();
    if (last) add({ type: "text", value: last.source }, ...last.element.children);
  };
  const addToken = (token: HtmlToken) => {
    if (token.kind === "void") return add(elementOf(token.tag));
    if (token.kind === "open" && open.length < MAX_DEPTH) {
      return open.push({ element: elementOf(token.tag, token.isOpen), source: token.text });
    }
    if (token.kind !== "close" || !open.some(({ element }) => element.tagName === token.tag)) {
      return add({ type: "text", value: decode(token.text) });
    }
    while (open.at(-1)?.element.tagName !== token.tag) abandon();
    const closed = open.pop();
    if (closed) add(closed.element);
  };
  for (const child of children) {
    if (child.type === "raw") {
      for (const token of tokensOf(child.value)) addToken(token);
    } else {
      if (child.type === "element") child.children = withElements(child.children);
      add(child);
    }
  }
  while (open.length > 0) abandon();
  // Only elements and texts were added, which every parent may contain.
  return result as Node[];
}

function elementOf(tagName: string, isOpen = false): Element {
  return { type: "element", tagName, properties: isOpen ? { open: true } : {}, children: [] };
}

/** Decodes the character references that text of a block of HTML may contain. */
function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]+));/gi, (source, decimal, hexadecimal, name) => {
    if (name) return ENTITIES[name] ?? source;
    const code = decimal ? Number(decimal) : Number.parseInt(hexadecimal, 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : source;
  });
}
