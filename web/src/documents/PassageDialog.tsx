// Shows a cited passage with the passages around it.

import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Problem } from "../api/problem";
import type { Citation } from "../api/types";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { Dialog } from "../ui/Dialog";
import { Alert } from "../ui/Notice";
import styles from "./PassageDialog.module.css";
import { passageQuery } from "./queries";

export default function PassageDialog({ citation, onClose }: { citation: Citation; onClose: () => void }) {
  const text = useText();
  const { data: passage, error, isPending } = useQuery(passageQuery(citation.document_id, citation.passage));
  const cited = useRef<HTMLQuoteElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: scrolls once the passage is rendered
  useEffect(() => cited.current?.scrollIntoView({ block: "center" }), [passage]);
  const isRemoved = error instanceof Problem && error.status === 404;
  return (
    <Dialog title={passage?.title ?? citation.title} onClose={onClose} side>
      <p className={styles.location}>
        {[...(passage?.heading ?? []), text.passage.number(citation.passage + 1)].join(" › ")}
      </p>
      {error &&
        (isRemoved ? (
          <p className={styles.removed}>{text.passage.notFound}</p>
        ) : (
          <Alert>{errorMessage(error, text)}</Alert>
        ))}
      <div className={styles.text} aria-busy={isPending}>
        {passage?.before.map(({ number, text: before }) => (
          <p key={number} className={styles.neighbour}>
            {before}
          </p>
        ))}
        <blockquote ref={cited} className={styles.cited}>
          {passage?.text ?? citation.snippet}
        </blockquote>
        {passage?.after.map(({ number, text: after }) => (
          <p key={number} className={styles.neighbour}>
            {after}
          </p>
        ))}
      </div>
    </Dialog>
  );
}
