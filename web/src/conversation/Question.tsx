// A question with its actions: copy, edit, switch to another version, and send again if it was refused.

import { Check, Copy, Pencil } from "lucide-react";
import { type KeyboardEvent, memo, useState } from "react";
import type { Message } from "../api/types";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { IconButton } from "../ui/IconButton";
import { isSendKey, keyOf } from "../ui/keys";
import { Branches } from "./Branches";
import styles from "./Question.module.css";
import type { TranscriptEntry } from "./transcriptEntry";
import { useCopyToClipboard } from "./useCopyToClipboard";

interface Props {
  entry: TranscriptEntry;
  /** An answer of the conversation is in progress, so no question can be sent. */
  isBusy: boolean;
  onRetry: (message: Message) => void;
  onDiscard: (message: Message) => void;
  onEdit: (message: Message, text: string) => void;
}

export const Question = memo(function Question({ entry, isBusy, onRetry, onDiscard, onEdit }: Props) {
  const text = useText();
  const [isEditing, setIsEditing] = useState(false);
  const { isCopied, copy } = useCopyToClipboard();
  const { message, origin } = entry;
  const isSent = origin === "accepted" || origin === "fetched";
  return (
    <article className={styles.question} aria-label={text.conversation.question} data-origin={origin}>
      {isEditing ? (
        <Editor
          text={message.text}
          onCancel={() => setIsEditing(false)}
          onAsk={(changed) => {
            setIsEditing(false);
            onEdit(message, changed);
          }}
        />
      ) : (
        <p className={styles.bubble}>{message.text}</p>
      )}
      {isSent && !isEditing && (
        <div className={styles.tools}>
          <IconButton label={isCopied ? text.answer.copied : text.answer.copy} onClick={() => copy(message.text)}>
            {isCopied ? <Check size={15} /> : <Copy size={15} />}
          </IconButton>
          <IconButton label={text.question.edit} disabled={isBusy} onClick={() => setIsEditing(true)}>
            <Pencil size={15} />
          </IconButton>
          <Branches message={message} />
        </div>
      )}
      {origin === "refused" && (
        <div className={styles.refused} role="alert">
          <span>
            {text.question.notSent} {entry.refusal && errorMessage(entry.refusal, text)}
          </span>
          <Button size="small" onClick={() => onRetry(message)}>
            {text.question.retry}
          </Button>
          <Button size="small" kind="quiet" onClick={() => onDiscard(message)}>
            {text.question.discard}
          </Button>
        </div>
      )}
    </article>
  );
});

interface EditorProps {
  text: string;
  onCancel: () => void;
  onAsk: (text: string) => void;
}

function Editor({ text: original, onCancel, onAsk }: EditorProps) {
  const text = useText();
  const [draft, setDraft] = useState(original);
  const question = draft.trim();
  const ask = () => question !== "" && (question === original ? onCancel() : onAsk(question));
  const onKeyDown = (event: KeyboardEvent) => {
    if (keyOf(event.nativeEvent) === "Escape") {
      event.stopPropagation();
      onCancel();
    }
    if (!isSendKey(event.nativeEvent)) return;
    event.preventDefault();
    ask();
  };
  return (
    <div className={styles.editor}>
      <textarea
        className={styles.input}
        aria-label={text.question.editLabel}
        value={draft}
        // biome-ignore lint/a11y/noAutofocus: the user has just clicked the edit button
        autoFocus
        onFocus={({ currentTarget }) => currentTarget.setSelectionRange(original.length, original.length)}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className={styles.editorActions}>
        <Button size="small" kind="quiet" onClick={onCancel}>
          {text.cancel}
        </Button>
        <Button size="small" kind="primary" disabled={question === ""} onClick={ask}>
          {text.question.ask}
        </Button>
      </div>
    </div>
  );
}
