// An answer's Markdown, safely: no HTML of its own, no pictures from elsewhere, links that open beside the page. It is
// drawn block by block, so that a growing answer costs only its end.

import { createContext, memo, useContext, useEffect, useMemo, useRef, useState } from "react";
import ReactMarkdown, { type Components, type ExtraProps } from "react-markdown";
import type { PluggableList } from "unified";
import type { Citation } from "../api/types";
import { type Cut, closed, cut, NOTHING } from "./blocks";
import { CitationMark } from "./CitationMark";
import { CodeBlock } from "./CodeBlock";
import { citationMarks } from "./citations";
import { hasFormulas, withFormulas } from "./formulas";
import { readGfm } from "./gfm";
import styles from "./Markdown.module.css";

interface Props {
  text: string;
  citations: readonly Citation[];
  /** More text may come. */
  growing?: boolean;
}

const Citations = createContext<readonly Citation[]>([]);
const Whole = createContext(true);

const Markdown = memo(function Markdown({ text, citations, growing = false }: Props) {
  const earlier = useRef<Cut>(NOTHING);
  const blocks = useMemo(() => {
    earlier.current = cut(text, earlier.current);
    return earlier.current.blocks;
  }, [text]);
  const numbers = useNumbers(citations);
  return (
    <Citations value={citations}>
      <div className={styles.markdown}>
        {blocks.map((block, index) => {
          const last = growing && index === blocks.length - 1;
          // biome-ignore lint/suspicious/noArrayIndexKey: blocks only ever come at the end
          return <Block key={index} block={last ? closed(block) : block} numbers={numbers} whole={!last} />;
        })}
      </div>
    </Citations>
  );
});

export default Markdown;

/**
 * The numbers that are marks. What a block depends on is which there are, not each new list of them; and one that was there
 * stays, so that an answer is not read anew from its beginning when it ends and fewer are cited than might have been.
 */
function useNumbers(citations: readonly Citation[]): string {
  const earlier = useRef<ReadonlySet<number>>(new Set());
  return useMemo(() => {
    earlier.current = new Set([...earlier.current, ...citations.map(({ number }) => number)]);
    return [...earlier.current].sort((one, other) => one - other).join();
  }, [citations]);
}

const Block = memo(function Block({ block, numbers, whole }: { block: string; numbers: string; whole: boolean }) {
  const text = withFormulas(block);
  const math = useMath(hasFormulas(text));
  const remarkPlugins = useMemo((): PluggableList => {
    const known = new Set(numbers.split(",").map(Number));
    return [readGfm, ...(math?.remarkPlugins ?? []), citationMarks((number) => known.has(number))];
  }, [numbers, math]);
  // A block that has become whole says the same as before: only its code is drawn anew, with colours.
  const drawn = useMemo(
    () => (
      <div className={styles.block}>
        <ReactMarkdown remarkPlugins={remarkPlugins} rehypePlugins={math?.rehypePlugins ?? []} components={COMPONENTS}>
          {text}
        </ReactMarkdown>
      </div>
    ),
    [text, remarkPlugins, math],
  );
  return <Whole value={whole}>{drawn}</Whole>;
});

type MathPlugins = typeof import("./math");
let mathPlugins: MathPlugins | undefined;

function useMath(wanted: boolean): MathPlugins | undefined {
  const [loaded, setLoaded] = useState(mathPlugins);
  useEffect(() => {
    if (!wanted || loaded) return;
    let here = true;
    void import("./math").then((plugins) => {
      mathPlugins = plugins;
      if (here) setLoaded(plugins);
    });
    return () => {
      here = false;
    };
  }, [wanted, loaded]);
  return wanted ? loaded : undefined;
}

function Mark(props: { "data-number"?: unknown }) {
  const citations = useContext(Citations);
  const number = Number(props["data-number"]);
  const citation = citations.find((candidate) => candidate.number === number);
  return citation ? <CitationMark citation={citation} /> : `[${number}]`;
}

function Code({ node }: ExtraProps) {
  const whole = useContext(Whole);
  const code = codeOf(node);
  return (
    <CodeBlock language={languageOf(node)} code={code} whole={whole}>
      <code>{code}</code>
    </CodeBlock>
  );
}

const COMPONENTS: Components = {
  a: ({ node: _, ...rest }) => <a {...rest} target="_blank" rel="noopener noreferrer nofollow" />,
  cite: Mark as NonNullable<Components["cite"]>,
  // Loading a picture tells its host who reads what, so only its description is shown.
  img: ({ alt }) => <em>{alt}</em>,
  pre: Code,
  // Headings of an answer stand below those of the page.
  h1: ({ node: _, ...rest }) => <h3 {...rest} />,
  h2: ({ node: _, ...rest }) => <h4 {...rest} />,
  h3: ({ node: _, ...rest }) => <h5 {...rest} />,
  // The box of a task: it only shows, so a sign will do.
  input: ({ checked }) => <span>{checked ? "☑" : "☐"} </span>,
  table: ({ node: _, ...rest }) => (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a table that scrolls sideways must be reachable by keyboard
    <div className={styles.wide} tabIndex={0}>
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

function codeOf(node: ExtraProps["node"]): string {
  const code = node?.children[0];
  const text = code?.type === "element" ? code.children[0] : undefined;
  return text?.type === "text" ? text.value.replace(/\n$/, "") : "";
}
