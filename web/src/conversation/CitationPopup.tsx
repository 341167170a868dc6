// The popover of a citation: a snippet of the passage and a button that opens it in its document.

import { ArrowUpRight } from "lucide-react";
import { Popover } from "radix-ui";
import type { ReactElement } from "react";
import type { Citation } from "../api/types";
import { placeText } from "../documents/placeText";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import styles from "./CitationMark.module.css";

interface Props {
  citation: Citation;
  onOpen: (citation: Citation) => void;
  button: ReactElement;
}

export default function CitationPopup({ citation, onOpen, button }: Props) {
  const text = useText();
  return (
    <Popover.Root defaultOpen>
      <Popover.Trigger asChild>{button}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className={styles.card}
          sideOffset={6}
          collisionPadding={12}
          aria-label={text.answer.source(citation.number)}
        >
          <p className={styles.title} dir="auto">
            {citation.title}
          </p>
          {citation.place && <p className={styles.place}>{placeText(citation.place, text)}</p>}
          <p className={styles.snippet}>{citation.snippet}</p>
          <Popover.Close asChild>
            <Button size="small" onClick={() => onOpen(citation)}>
              {text.passage.open} <ArrowUpRight size={15} aria-hidden="true" />
            </Button>
          </Popover.Close>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
