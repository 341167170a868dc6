// A block of code: its language, a copy button, and syntax highlighting once it is complete.

import { Check, Copy } from "lucide-react";
import { type ComponentProps, type ReactNode, useEffect, useState } from "react";
import { useText } from "../text/text";
import styles from "./CodeBlock.module.css";
import { useCopyToClipboard } from "./useCopyToClipboard";

type Highlight = typeof import("./highlight").highlight;
/** Undefined until it is loaded. */
let highlight: Highlight | undefined;

interface Props extends ComponentProps<"pre"> {
  language: string;
  code: string;
  /** No more text will follow. */
  isComplete: boolean;
}

export function CodeBlock({ language, code, isComplete, children, ...rest }: Props) {
  const text = useText();
  const { isCopied, copy } = useCopyToClipboard();
  const highlighted = useHighlight(code, language, isComplete);
  return (
    <div className={styles.code}>
      <div className={styles.header}>
        <span>{language}</span>
        <button type="button" className={styles.copy} onClick={() => copy(code)}>
          {isCopied ? <Check size={14} aria-hidden="true" /> : <Copy size={14} aria-hidden="true" />}
          {isCopied ? text.answer.copied : text.answer.copy}
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable code must be focusable */}
      <pre {...rest} tabIndex={0}>
        {highlighted === undefined ? children : <code>{highlighted}</code>}
      </pre>
    </div>
  );
}

function useHighlight(code: string, language: string, isComplete: boolean): ReactNode | undefined {
  const isWanted = isComplete && language !== "";
  const [, setLoaded] = useState(highlight !== undefined);
  useEffect(() => {
    if (!isWanted || highlight) return;
    let isMounted = true;
    void import("./highlight").then((module) => {
      highlight = module.highlight;
      if (isMounted) setLoaded(true);
    });
    return () => {
      isMounted = false;
    };
  }, [isWanted]);
  return isWanted ? highlight?.(code, language) : undefined;
}
