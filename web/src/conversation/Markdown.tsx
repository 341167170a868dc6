// Renders the Markdown of an answer. Images and HTML are not rendered, except for a few tags, and links open in a new
// tab. Renders block by block, so that a growing answer re-renders only its last blocks.

import { createContext, memo, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react";
import ReactMarkdown, { type Components, type ExtraProps } from "react-markdown";
import type { PluggableList } from "unified";
import type { Citation } from "../api/types";
import { ErrorBoundary } from "../ui/ErrorBoundary";
import { CitationMark } from "./CitationMark";
import { CodeBlock } from "./CodeBlock";
import { citationPlugin } from "./citationPlugin";
import { gfmPlugin } from "./gfmPlugin";
import { htmlPlugin } from "./htmlPlugin";
import { isTooDeep } from "./isTooDeep";
import styles from "./Markdown.module.css";
import { hasFormulas, normalizeFormulas } from "./normalizeFormulas";
import { type Blocks, closeMarkup, NO_BLOCKS, splitBlocks } from "./splitBlocks";

interface Props {
  text: string;
  citations: readonly Citation[];
  /** More text may follow. */
  isGrowing?: boolean;
}

const Citations = createContext<readonly Citation[]>([]);
const IsComplete = createContext(true);

const Markdown = memo(function Markdown({ text, citations, isGrowing = false }: Props) {
  const earlier = useRef<Blocks>(NO_BLOCKS);
  const blocks = useMemo(() => {
    earlier.current = splitBlocks(text, earlier.current);
    return earlier.current.blocks;
  }, [text]);
  const numbers = useNumbers(citations);
  return (
    <Citations value={citations}>
      <div className={styles.markdown}>
        {blocks.map((block, index) => {
          const isOpen = isGrowing && index === blocks.length - 1;
          const markup = isOpen ? closeMarkup(block) : block;
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: blocks are only appended
            <ErrorBoundary key={index} fallback={<PlainText>{block}</PlainText>} resetKey={block}>
              <Block block={markup} numbers={numbers} isComplete={!isOpen} />
            </ErrorBoundary>
          );
        })}
      </div>
    </Citations>
  );
});

export default Markdown;

/**
 * The numbers of all sources so far, as a string, so that blocks do not depend on the identity of the list.
 * Numbers are never removed: a completed answer cites fewer sources than were retrieved, and that must not
 * render all its blocks again.
 */
function useNumbers(citations: readonly Citation[]): string {
  const earlier = useRef<ReadonlySet<number>>(new Set());
  return useMemo(() => {
    earlier.current = new Set([...earlier.current, ...citations.map(({ number }) => number)]);
    return [...earlier.current].sort((one, other) => one - other).join();
  }, [citations]);
}

interface BlockProps {
  block: string;
  numbers: string;
  isComplete: boolean;
}

/** A block that is nested too deeply is shown as it was written. */
const Block = memo(function Block(props: BlockProps) {
  return isTooDeep(props.block) ? <PlainText>{props.block}</PlainText> : <RenderedBlock {...props} />;
});

function PlainText({ children }: { children: ReactNode }) {
  return <p className={styles.plain}>{children}</p>;
}

function RenderedBlock({ block, numbers, isComplete }: BlockProps) {
  const text = normalizeFormulas(block);
  const math = useMathPlugins(hasFormulas(text));
  const remarkPlugins = useMemo((): PluggableList => {
    const known = new Set(numbers.split(",").map(Number));
    return [gfmPlugin, ...(math?.remarkPlugins ?? []), citationPlugin((number) => known.has(number))];
  }, [numbers, math]);
  const rehypePlugins = useMemo((): PluggableList => [htmlPlugin, ...(math?.rehypePlugins ?? [])], [math]);
  // A complete block has the same text, so only its code is rendered again, with highlighting.
  const rendered = useMemo(
    () => (
      <div className={styles.block}>
        <ReactMarkdown remarkPlugins={remarkPlugins} rehypePlugins={rehypePlugins} components={COMPONENTS}>
          {text}
        </ReactMarkdown>
      </div>
    ),
    [text, remarkPlugins, rehypePlugins],
  );
  return <IsComplete value={isComplete}>{rendered}</IsComplete>;
}

type MathPlugins = typeof import("./mathPlugins");
/** Undefined until they are loaded. */
let mathPlugins: MathPlugins | undefined;

function useMathPlugins(isWanted: boolean): MathPlugins | undefined {
  const [loaded, setLoaded] = useState(mathPlugins);
  useEffect(() => {
    if (!isWanted || loaded) return;
    let isMounted = true;
    void import("./mathPlugins").then((plugins) => {
      mathPlugins = plugins;
      if (isMounted) setLoaded(plugins);
    });
    return () => {
      isMounted = false;
    };
  }, [isWanted, loaded]);
  return isWanted ? loaded : undefined;
}

function Mark({ node }: ExtraProps) {
  const citations = useContext(Citations);
  const number = Number(node?.properties.dataNumber);
  const citation = citations.find((candidate) => candidate.number === number);
  return citation ? <CitationMark citation={citation} /> : `[${number}]`;
}

function Code({ node }: ExtraProps) {
  const isComplete = useContext(IsComplete);
  const code = codeOf(node);
  return (
    <CodeBlock language={languageOf(node)} code={code} isComplete={isComplete}>
      <code>{code}</code>
    </CodeBlock>
  );
}

const COMPONENTS: Components = {
  a: ({ node: _, ...rest }) => <a {...rest} target="_blank" rel="noopener noreferrer nofollow" />,
  cite: Mark,
  // Loading an image would reveal the reader to its host, so only its description is shown.
  img: ({ alt }) => <em>{alt}</em>,
  pre: Code,
  // The headings of an answer are below those of the page.
  h1: ({ node: _, ...rest }) => <h3 {...rest} />,
  h2: ({ node: _, ...rest }) => <h4 {...rest} />,
  h3: ({ node: _, ...rest }) => <h5 {...rest} />,
  // The checkbox of a task list cannot be changed, so a character suffices.
  input: ({ checked }) => <span>{checked ? "☑" : "☐"} </span>,
  table: ({ node: _, ...rest }) => (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable table must be focusable
    <div className={styles.wide} tabIndex={0}>
      <table {...rest} />
    </div>
  ),
};

/** The language that follows the opening fence of a block of code. */
function languageOf(node: ExtraProps["node"]): string {
  const code = node?.children[0];
  const classes = code?.type === "element" ? code.properties.className : undefined;
  const name = Array.isArray(classes) ? classes.find((one) => String(one).startsWith("language-")) : undefined;
  return String(name ?? "").replace("language-", "");
}

function codeOf(node: ExtraProps["node"]): string {
  const code = node?.children[0];
  const text = code?.type === "element" ? code.children[0] : undefined;
  return text?.type === "text" ? text.value.replace(/\n$/, "") : "";
}
