// The number of a source in the text of an answer. Opens a popover with the passage.

import { createContext, lazy, useContext } from "react";
import type { Citation } from "../api/types";
import { useText } from "../text/text";
import { LazyPopup } from "../ui/LazyPopup";
import styles from "./CitationMark.module.css";

const CitationPopup = lazy(() => import("./CitationPopup"));

/** Opens a cited passage in its document. */
export const OpenCitation = createContext<(citation: Citation) => void>(() => {});

export function CitationMark({ citation }: { citation: Citation }) {
  const text = useText();
  const onOpen = useContext(OpenCitation);
  return (
    <LazyPopup
      popup={CitationPopup}
      popupProps={{ citation, onOpen }}
      button={(open) => (
        <button
          type="button"
          className={styles.mark}
          aria-label={text.answer.source(citation.number)}
          title={citation.title}
          {...(open && { onClick: open })}
        >
          {citation.number}
        </button>
      )}
    />
  );
}
