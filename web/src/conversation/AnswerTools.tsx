// What can be done with an answer that has ended: copy it, have it answered anew, judge it, see its other versions.

import { Check, Copy, RefreshCw, ThumbsDown, ThumbsUp } from "lucide-react";
import { type FormEvent, useState } from "react";
import type { Message } from "../api/types";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { IconButton } from "../ui/IconButton";
import styles from "./AnswerTools.module.css";
import { Branches } from "./Branches";
import { useCopying } from "./useCopying";

export interface AnswerActions {
  onRegenerate: (message: Message) => void;
  onRate: (message: Message, rating: string, comment?: string) => void;
}

interface Props extends AnswerActions {
  message: Message;
  /** An answer is being written, so none can be asked for. */
  busy: boolean;
}

export function AnswerTools({ message, busy, onRegenerate, onRate }: Props) {
  const text = useText();
  const { copied, copy } = useCopying();
  const [why, setWhy] = useState<"up" | "down">();
  // Judges at once, then asks why; once more takes it back.
  const judge = (kind: "up" | "down") => {
    const given = message.rating === kind;
    onRate(message, given ? "none" : kind);
    setWhy(given ? undefined : kind);
  };
  return (
    <>
      <div className={styles.tools}>
        {message.text && (
          <IconButton label={copied ? text.answer.copied : text.answer.copy} onClick={() => copy(message.text)}>
            {copied ? <Check size={16} /> : <Copy size={16} />}
          </IconButton>
        )}
        {message.status !== "failed" && (
          <>
            <IconButton label={text.answer.good} aria-pressed={message.rating === "up"} onClick={() => judge("up")}>
              <ThumbsUp size={16} />
            </IconButton>
            <IconButton label={text.answer.bad} aria-pressed={message.rating === "down"} onClick={() => judge("down")}>
              <ThumbsDown size={16} />
            </IconButton>
            <IconButton label={text.answer.regenerate} disabled={busy} onClick={() => onRegenerate(message)}>
              <RefreshCw size={16} />
            </IconButton>
          </>
        )}
        <Branches message={message} />
      </div>
      {why && <Why onClose={() => setWhy(undefined)} onSay={(comment) => onRate(message, why, comment)} />}
    </>
  );
}

function Why({ onClose, onSay }: { onClose: () => void; onSay: (comment: string) => void }) {
  const text = useText();
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const comment = String(new FormData(event.currentTarget).get("comment") ?? "").trim();
    if (comment) onSay(comment);
    onClose();
  };
  return (
    <form className={styles.form} onSubmit={onSubmit}>
      <label className={styles.label}>
        {text.answer.comment}
        <textarea
          name="comment"
          className={styles.comment}
          rows={2}
          maxLength={2000}
          placeholder={text.answer.commentHint}
        />
      </label>
      <div className={styles.actions}>
        <Button size="small" kind="quiet" onClick={onClose}>
          {text.close}
        </Button>
        <Button size="small" kind="primary" type="submit">
          {text.answer.send}
        </Button>
      </div>
    </form>
  );
}
