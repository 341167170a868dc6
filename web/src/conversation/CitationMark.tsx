// A number in an answer: it shows the passage behind it, and leads to that passage in its document.

import { ArrowUpRight } from "lucide-react";
import { Popover } from "radix-ui";
import { createContext, useContext } from "react";
import type { Citation } from "../api/types";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import styles from "./CitationMark.module.css";

/** Opens a cited passage in its document. */
export const Opening = createContext<(citation: Citation) => void>(() => {});

export function CitationMark({ citation }: { citation: Citation }) {
  const text = useText();
  const open = useContext(Opening);
  return (
    <Popover.Root>
      <Popover.Trigger className={styles.mark} aria-label={text.answer.source(citation.number)} title={citation.title}>
        {citation.number}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className={styles.card}
          sideOffset={6}
          collisionPadding={12}
          aria-label={text.answer.source(citation.number)}
        >
          <p className={styles.title}>{citation.title}</p>
          <p className={styles.snippet}>{citation.snippet}</p>
          <Popover.Close asChild>
            <Button size="small" onClick={() => open(citation)}>
              {text.passage.open} <ArrowUpRight size={15} aria-hidden="true" />
            </Button>
          </Popover.Close>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
