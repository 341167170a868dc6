// A cited passage where it stands in its document, among its neighbours.

import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Problem } from "../api/problem";
import type { Citation } from "../api/types";
import { inWords } from "../text/failures";
import { useText } from "../text/text";
import { Dialog } from "../ui/Dialog";
import { Alert } from "../ui/Notice";
import styles from "./PassageDialog.module.css";
import { passageOf } from "./queries";

export default function PassageDialog({ citation, onClose }: { citation: Citation; onClose: () => void }) {
  const text = useText();
  const { data: passage, error, isPending } = useQuery(passageOf(citation.document_id, citation.passage));
  const cited = useRef<HTMLQuoteElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the passage is what there is to scroll to
  useEffect(() => cited.current?.scrollIntoView({ block: "center" }), [passage]);
  const gone = error instanceof Problem && error.status === 404;
  return (
    <Dialog title={passage?.title ?? citation.title} onClose={onClose} side>
      <p className={styles.place}>
        {[...(passage?.heading ?? []), text.passage.place(citation.passage + 1)].join(" › ")}
      </p>
      {error && (gone ? <p className={styles.gone}>{text.passage.missing}</p> : <Alert>{inWords(error, text)}</Alert>)}
      <div className={styles.text} aria-busy={isPending}>
        {passage?.before.map(({ number, text: before }) => (
          <p key={number} className={styles.around}>
            {before}
          </p>
        ))}
        <blockquote ref={cited} className={styles.cited}>
          {passage?.text ?? citation.snippet}
        </blockquote>
        {passage?.after.map(({ number, text: after }) => (
          <p key={number} className={styles.around}>
            {after}
          </p>
        ))}
      </div>
    </Dialog>
  );
}
