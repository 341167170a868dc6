// Shows a cited passage with its place in the file and the passages around it.

import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef } from "react";
import { Problem } from "../api/problem";
import type { Citation, Passage } from "../api/types";
import { errorMessage } from "../text/errorMessage";
import { type Texts, useText } from "../text/text";
import { Dialog } from "../ui/Dialog";
import { Alert } from "../ui/Notice";
import { PagePicture } from "./PagePicture";
import styles from "./PassageDialog.module.css";
import { placeText } from "./placeText";
import { passageQuery } from "./queries";

interface Props {
  citation: Citation;
  /** Renders the Markdown of a passage. */
  renderText: (markdown: string) => ReactNode;
  onClose: () => void;
}

export default function PassageDialog({ citation, renderText, onClose }: Props) {
  const text = useText();
  const { data: passage, error, isPending } = useQuery(passageQuery(citation.document_id, citation.passage));
  const cited = useRef<HTMLQuoteElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: scrolls once the passage is rendered
  useEffect(() => cited.current?.scrollIntoView({ block: "center" }), [passage]);
  const isRemoved = error instanceof Problem && error.status === 404;
  return (
    <Dialog title={passage?.title ?? citation.title} onClose={onClose} side>
      <p className={styles.location}>{[...(passage?.heading ?? []), placeOf(passage, citation, text)].join(" › ")}</p>
      {passage?.place?.type === "pages" && (
        <PagePicture
          documentId={citation.document_id}
          passage={citation.passage}
          first={passage.place.first}
          last={passage.place.last}
        />
      )}
      {error &&
        (isRemoved ? (
          <p className={styles.removed}>{text.passage.notFound}</p>
        ) : (
          <Alert>{errorMessage(error, text)}</Alert>
        ))}
      <div className={styles.text} aria-busy={isPending}>
        {passage?.before.map(({ number, text: before }) => (
          <div key={number} className={styles.neighbour}>
            {renderText(before)}
          </div>
        ))}
        <blockquote ref={cited} className={styles.cited}>
          {renderText(passage?.text ?? citation.snippet)}
        </blockquote>
        {passage?.after.map(({ number, text: after }) => (
          <div key={number} className={styles.neighbour}>
            {renderText(after)}
          </div>
        ))}
      </div>
    </Dialog>
  );
}

/** The place in the file, or the number of the passage where the file has no places. */
function placeOf(passage: Passage | undefined, citation: Citation, text: Texts): string {
  return passage?.place ? placeText(passage.place, text) : text.passage.number(citation.passage + 1);
}
