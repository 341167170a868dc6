// What a person asked: its versions, changing it, copying it, and what to do when it was not sent.

import { Check, Copy, Pencil } from "lucide-react";
import { type KeyboardEvent, memo, useState } from "react";
import type { Message } from "../api/types";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { IconButton } from "../ui/IconButton";
import { Branches } from "./Branches";
import type { Entry } from "./entry";
import styles from "./Question.module.css";
import { useCopying } from "./useCopying";

interface Props {
  entry: Entry;
  /** An answer is being written, so nothing new may be asked. */
  busy: boolean;
  onAgain: (message: Message) => void;
  onWithdraw: (message: Message) => void;
  onEdit: (message: Message, text: string) => void;
}

export const Question = memo(function Question({ entry, busy, onAgain, onWithdraw, onEdit }: Props) {
  const text = useText();
  const [editing, setEditing] = useState(false);
  const { copied, copy } = useCopying();
  const { message, origin } = entry;
  const sent = origin === "asked" || origin === "fetched";
  return (
    <article className={styles.question} aria-label={text.conversation.question} data-origin={origin}>
      {editing ? (
        <Editor
          text={message.text}
          onCancel={() => setEditing(false)}
          onAsk={(changed) => {
            setEditing(false);
            onEdit(message, changed);
          }}
        />
      ) : (
        <p className={styles.bubble}>{message.text}</p>
      )}
      {sent && !editing && (
        <div className={styles.tools}>
          <IconButton label={copied ? text.answer.copied : text.answer.copy} onClick={() => copy(message.text)}>
            {copied ? <Check size={15} /> : <Copy size={15} />}
          </IconButton>
          <IconButton label={text.question.edit} disabled={busy} onClick={() => setEditing(true)}>
            <Pencil size={15} />
          </IconButton>
          <Branches message={message} />
        </div>
      )}
      {origin === "refused" && (
        <div className={styles.refused} role="alert">
          <span>{text.question.notSent}</span>
          <Button size="small" onClick={() => onAgain(message)}>
            {text.question.again}
          </Button>
          <Button size="small" kind="quiet" onClick={() => onWithdraw(message)}>
            {text.question.withdraw}
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

function Editor({ text: before, onCancel, onAsk }: EditorProps) {
  const text = useText();
  const [draft, setDraft] = useState(before);
  const question = draft.trim();
  const ask = () => question !== "" && (question === before ? onCancel() : onAsk(question));
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      onCancel();
    }
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    ask();
  };
  return (
    <div className={styles.editor}>
      <textarea
        className={styles.input}
        aria-label={text.question.editLabel}
        value={draft}
        // biome-ignore lint/a11y/noAutofocus: somebody just asked to write here
        autoFocus
        onFocus={({ currentTarget }) => currentTarget.setSelectionRange(before.length, before.length)}
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
