// The reasoning of the language model before an answer, folded. It is not part of the answer.

import { ChevronRight } from "lucide-react";
import { useText } from "../text/text";
import styles from "./Answer.module.css";

interface Props {
  reasoning: string;
  /** The answer has no text yet. */
  isThinking: boolean;
}

export function Reasoning({ reasoning, isThinking }: Props) {
  const text = useText();
  return (
    <details className={styles.sources}>
      <summary>
        <ChevronRight size={15} aria-hidden="true" className={styles.chevron} />
        {isThinking ? text.answer.thinking : text.answer.reasoning}
      </summary>
      <p className={styles.reasoning}>{reasoning}</p>
    </details>
  );
}
