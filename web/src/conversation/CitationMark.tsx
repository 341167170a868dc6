// A number in an answer that opens the passage behind it.

import { Popover } from "radix-ui";
import type { Citation } from "../api/types";
import { useText } from "../text/text";
import styles from "./CitationMark.module.css";

export function CitationMark({ citation }: { citation: Citation }) {
  const text = useText();
  return (
    <Popover.Root>
      <Popover.Trigger className={styles.mark} aria-label={text.answer.source(citation.number)} title={citation.title}>
        {citation.number}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className={styles.card} sideOffset={6} collisionPadding={12}>
          <p className={styles.title}>{citation.title}</p>
          <p className={styles.snippet}>{citation.snippet}</p>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
