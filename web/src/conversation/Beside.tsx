// Another version of an answer, beside the shown one.

import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { Suspense, useState } from "react";
import type { Citation, Message } from "../api/types";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { ErrorBoundary } from "../ui/ErrorBoundary";
import { IconButton } from "../ui/IconButton";
import { Alert } from "../ui/Notice";
import answer from "./Answer.module.css";
import styles from "./Beside.module.css";
import { OpenCitation } from "./CitationMark";
import { Markdown } from "./lazyMarkdown";
import { otherVersion } from "./otherVersion";
import { transcriptQuery } from "./queries";
import { isInProgress } from "./transcriptEntry";

interface Props {
  conversationId: string;
  /** The shown version. */
  message: Message;
  onCite: (citation: Citation) => void;
  onClose: () => void;
}

export default function Beside({ conversationId, message, onCite, onClose }: Props) {
  const text = useText();
  const [chosen, setChosen] = useState<string>();
  const id = otherVersion(message, chosen);
  const { data, error } = useQuery({ ...transcriptQuery(conversationId, id), enabled: id !== undefined });
  const entry = data?.find(({ message }) => message.id === id);
  const others = message.siblings.filter((sibling) => sibling !== message.id);
  return (
    <aside className={styles.beside} aria-label={text.branches.beside}>
      <header className={styles.header}>
        <strong dir="auto">{entry && nameOf(entry.message, text.answer.quoted)}</strong>
        {others.length > 1 && (
          <select aria-label={text.branches.label} value={id} onChange={(event) => setChosen(event.target.value)}>
            {others.map((other) => (
              <option key={other} value={other}>
                {text.branches.position(message.siblings.indexOf(other) + 1, message.siblings.length)}
              </option>
            ))}
          </select>
        )}
        <IconButton label={text.close} onClick={onClose}>
          <X size={16} />
        </IconButton>
      </header>
      {error && <Alert>{errorMessage(error, text)}</Alert>}
      {entry?.message.text && (
        <OpenCitation value={onCite}>
          <ErrorBoundary
            fallback={<p className={answer.plainText}>{entry.message.text}</p>}
            resetKey={entry.message.text}
          >
            <Suspense fallback={<p className={answer.plainText}>{entry.message.text}</p>}>
              <Markdown text={entry.message.text} citations={entry.message.citations} />
            </Suspense>
          </ErrorBoundary>
        </OpenCitation>
      )}
      {entry && isInProgress(entry) && <p className={answer.stopped}>{text.answer.writing}</p>}
      {entry?.message.status === "stopped" && <p className={answer.stopped}>{text.answer.stopped}</p>}
      {entry?.message.status === "failed" && <p className={answer.stopped}>{text.answer.failed}</p>}
    </aside>
  );
}

/** The name above a version: its model, or that it is quoted. */
function nameOf({ model, quoted }: Message, quotedName: string): string {
  return quoted ? quotedName : (model ?? "");
}
