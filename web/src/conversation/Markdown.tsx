// An answer's Markdown, safely: no HTML of its own, no pictures from elsewhere, links that open beside the page.

import { Check, Copy } from "lucide-react";
import { type ComponentProps, memo, useMemo, useState } from "react";
import ReactMarkdown, { type Components, type ExtraProps } from "react-markdown";
import remarkGfm from "remark-gfm";
import type { Citation } from "../api/types";
import { useText } from "../text/text";
import { CitationMark } from "./CitationMark";
import { citationMarks } from "./citations";
import styles from "./Markdown.module.css";

interface Props {
  text: string;
  citations: readonly Citation[];
}

const Markdown = memo(function Markdown({ text, citations }: Props) {
  const plugins = useMemo(() => {
    const numbers = new Set(citations.map(({ number }) => number));
    return [remarkGfm, citationMarks((number) => numbers.has(number))];
  }, [citations]);
  const components = useMemo(() => ({ ...COMPONENTS, cite: marksOf(citations) }), [citations]);
  return (
    <div className={styles.markdown}>
      <ReactMarkdown remarkPlugins={plugins} components={components}>
        {text}
      </ReactMarkdown>
    </div>
  );
});

export default Markdown;

function marksOf(citations: readonly Citation[]): NonNullable<Components["cite"]> {
  return (props) => {
    const number = Number((props as { "data-number"?: unknown })["data-number"]);
    const citation = citations.find((candidate) => candidate.number === number);
    return citation ? <CitationMark citation={citation} /> : null;
  };
}

const COMPONENTS: Components = {
  a: ({ node: _, ...rest }) => <a {...rest} target="_blank" rel="noopener noreferrer nofollow" />,
  // Loading a picture tells its host who reads what, so only its description is shown.
  img: ({ alt }) => <em>{alt}</em>,
  pre: ({ node, ...rest }) => <CodeBlock language={languageOf(node)} {...rest} />,
  table: ({ node: _, ...rest }) => (
    <div className={styles.wide}>
      <table {...rest} />
    </div>
  ),
};

/** What stands behind the opening fence of a block of code. */
function languageOf(node: ExtraProps["node"]): string {
  const code = node?.children[0];
  const classes = code?.type === "element" ? code.properties.className : undefined;
  const name = Array.isArray(classes) ? classes.find((one) => String(one).startsWith("language-")) : undefined;
  return String(name ?? "").replace("language-", "");
}

function CodeBlock({ language, ...rest }: ComponentProps<"pre"> & { language: string }) {
  const text = useText();
  const [copied, setCopied] = useState(false);
  const [block, setBlock] = useState<HTMLPreElement | null>(null);
  const copy = async () => {
    await navigator.clipboard.writeText(block?.textContent ?? "");
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <div className={styles.code}>
      <div className={styles.codeHead}>
        <span>{language}</span>
        <button type="button" className={styles.copy} onClick={copy}>
          {copied ? <Check size={14} aria-hidden="true" /> : <Copy size={14} aria-hidden="true" />}
          {copied ? text.answer.copied : text.answer.copyCode}
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a block that scrolls sideways must be reachable by keyboard */}
      <pre {...rest} ref={setBlock} tabIndex={0} />
    </div>
  );
}
