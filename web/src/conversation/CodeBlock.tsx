// A block of code: its language, a button that copies it, and its colours once it is whole.

import { Check, Copy } from "lucide-react";
import { type ComponentProps, type ReactNode, useEffect, useState } from "react";
import { useText } from "../text/text";
import styles from "./CodeBlock.module.css";
import { useCopying } from "./useCopying";

type Highlighted = typeof import("./highlight").highlighted;
let highlighted: Highlighted | undefined;

interface Props extends ComponentProps<"pre"> {
  language: string;
  code: string;
  /** Nothing more comes. */
  whole: boolean;
}

export function CodeBlock({ language, code, whole, children, ...rest }: Props) {
  const text = useText();
  const { copied, copy } = useCopying();
  const colours = useColours(code, language, whole);
  return (
    <div className={styles.code}>
      <div className={styles.head}>
        <span>{language}</span>
        <button type="button" className={styles.copy} onClick={() => copy(code)}>
          {copied ? <Check size={14} aria-hidden="true" /> : <Copy size={14} aria-hidden="true" />}
          {copied ? text.answer.copied : text.answer.copy}
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a block that scrolls sideways must be reachable by keyboard */}
      <pre {...rest} tabIndex={0}>
        {colours === undefined ? children : <code>{colours}</code>}
      </pre>
    </div>
  );
}

function useColours(code: string, language: string, whole: boolean): ReactNode | undefined {
  const wanted = whole && language !== "";
  const [, setLoaded] = useState(highlighted !== undefined);
  useEffect(() => {
    if (!wanted || highlighted) return;
    let here = true;
    void import("./highlight").then((module) => {
      highlighted = module.highlighted;
      if (here) setLoaded(true);
    });
    return () => {
      here = false;
    };
  }, [wanted]);
  return wanted ? highlighted?.(code, language) : undefined;
}
