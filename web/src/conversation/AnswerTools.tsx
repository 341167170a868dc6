// What can be done with an answer that has ended: copy it, have it answered anew, judge it, see its other versions.

import { Check, Copy, RefreshCw, ThumbsDown, ThumbsUp } from "lucide-react";
import { Popover } from "radix-ui";
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
  return (
    <div className={styles.tools}>
      {message.text && (
        <IconButton label={copied ? text.answer.copied : text.answer.copy} onClick={() => copy(message.text)}>
          {copied ? <Check size={16} /> : <Copy size={16} />}
        </IconButton>
      )}
      {message.status !== "failed" && (
        <>
          <Judgement kind="up" message={message} onRate={onRate} />
          <Judgement kind="down" message={message} onRate={onRate} />
          <IconButton label={text.answer.regenerate} disabled={busy} onClick={() => onRegenerate(message)}>
            <RefreshCw size={16} />
          </IconButton>
        </>
      )}
      <Branches message={message} />
    </div>
  );
}

interface JudgementProps {
  kind: "up" | "down";
  message: Message;
  onRate: AnswerActions["onRate"];
}

/** Judges at once, then asks why; once more takes it back. */
function Judgement({ kind, message, onRate }: JudgementProps) {
  const text = useText();
  const [asking, setAsking] = useState(false);
  const given = message.rating === kind;
  const onOpenChange = (open: boolean) => {
    if (open && given) return onRate(message, "none");
    if (open) onRate(message, kind);
    setAsking(open);
  };
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const comment = String(new FormData(event.currentTarget).get("comment") ?? "").trim();
    if (comment) onRate(message, kind, comment);
    setAsking(false);
  };
  const Thumb = kind === "up" ? ThumbsUp : ThumbsDown;
  return (
    <Popover.Root open={asking} onOpenChange={onOpenChange}>
      <Popover.Trigger asChild>
        <IconButton label={kind === "up" ? text.answer.good : text.answer.bad} aria-pressed={given}>
          <Thumb size={16} fill={given ? "currentColor" : "none"} />
        </IconButton>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className={styles.card} side="top" align="start" sideOffset={6} collisionPadding={12}>
          <form className={styles.form} onSubmit={onSubmit}>
            <label className={styles.label}>
              {text.answer.comment}
              <textarea
                name="comment"
                className={styles.comment}
                rows={3}
                maxLength={2000}
                placeholder={text.answer.commentHint}
              />
            </label>
            <div className={styles.actions}>
              <Popover.Close asChild>
                <Button size="small" kind="quiet">
                  {text.close}
                </Button>
              </Popover.Close>
              <Button size="small" kind="primary" type="submit">
                {text.answer.send}
              </Button>
            </div>
          </form>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
