// A number in an answer: it shows the passage behind it, and leads to that passage in its document.

import { createContext, lazy, useContext } from "react";
import type { Citation } from "../api/types";
import { useText } from "../text/text";
import { OnDemand } from "../ui/OnDemand";
import styles from "./CitationMark.module.css";

const CitationCard = lazy(() => import("./CitationCard"));

/** Opens a cited passage in its document. */
export const Opening = createContext<(citation: Citation) => void>(() => {});

export function CitationMark({ citation }: { citation: Citation }) {
  const text = useText();
  const open = useContext(Opening);
  return (
    <OnDemand
      opened={CitationCard}
      given={{ citation, open }}
      button={(press) => (
        <button
          type="button"
          className={styles.mark}
          aria-label={text.answer.source(citation.number)}
          title={citation.title}
          {...(press && { onClick: press })}
        >
          {citation.number}
        </button>
      )}
    />
  );
}
