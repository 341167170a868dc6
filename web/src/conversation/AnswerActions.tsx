// The actions of an answer that has ended: copy, rate, regenerate, and switch to another version.

import { Check, Columns2, Copy, Info, ThumbsDown, ThumbsUp } from "lucide-react";
import { type FormEvent, lazy, Suspense, useState } from "react";
import type { Message, Rating } from "../api/types";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { IconButton } from "../ui/IconButton";
import styles from "./AnswerActions.module.css";
import { Branches } from "./Branches";
import { useModelChoices } from "./models";
import { RegenerateButton } from "./RegenerateButton";
import { useCopyToClipboard } from "./useCopyToClipboard";

const ProvenanceDialog = lazy(() => import("./ProvenanceDialog"));

export interface AnswerHandlers {
  onRegenerate: (message: Message, model?: string) => void;
  onRate: (message: Message, rating: Rating, comment?: string) => void;
}

interface Props extends AnswerHandlers {
  conversationId: string;
  message: Message;
  /** An answer of the conversation is in progress, so no other can be requested. */
  isBusy: boolean;
  /** Shows another version beside the answer, or hides it. Undefined if there is none. */
  onCompare: (() => void) | undefined;
  isCompared: boolean;
}

export function AnswerActions(props: Props) {
  const { conversationId, message, isBusy, onRegenerate, onRate, onCompare, isCompared } = props;
  const text = useText();
  const { isCopied, copy } = useCopyToClipboard();
  const [isExplained, setIsExplained] = useState(false);
  const hasChoice = useModelChoices().length > 0;
  // The rating that the comment form belongs to.
  const [commented, setCommented] = useState<Rating>();
  // Sends the rating at once, then asks for a comment. A second click removes the rating.
  const rate = (rating: Rating) => {
    const isSet = message.rating === rating;
    onRate(message, isSet ? "none" : rating);
    setCommented(isSet ? undefined : rating);
  };
  return (
    <>
      <div className={styles.tools}>
        {message.text && (
          <IconButton label={isCopied ? text.answer.copied : text.answer.copy} onClick={() => copy(message.text)}>
            {isCopied ? <Check size={16} /> : <Copy size={16} />}
          </IconButton>
        )}
        {message.status !== "failed" && (
          <>
            <IconButton label={text.answer.good} aria-pressed={message.rating === "up"} onClick={() => rate("up")}>
              <ThumbsUp size={16} />
            </IconButton>
            <IconButton label={text.answer.bad} aria-pressed={message.rating === "down"} onClick={() => rate("down")}>
              <ThumbsDown size={16} />
            </IconButton>
            <RegenerateButton isBusy={isBusy} onRegenerate={(model) => onRegenerate(message, model)} />
          </>
        )}
        {message.status === "completed" && (
          <IconButton label={text.provenance.title} onClick={() => setIsExplained(true)}>
            <Info size={16} />
          </IconButton>
        )}
        <Branches message={message} />
        {onCompare && (
          <IconButton label={text.branches.compare} aria-pressed={isCompared} onClick={onCompare}>
            <Columns2 size={16} />
          </IconButton>
        )}
        {hasChoice && !message.quoted && message.model && <span className={styles.model}>{message.model}</span>}
      </div>
      {isExplained && (
        <Suspense>
          <ProvenanceDialog
            conversationId={conversationId}
            answerId={message.id}
            citations={message.citations}
            onClose={() => setIsExplained(false)}
          />
        </Suspense>
      )}
      {commented && (
        <CommentForm
          onClose={() => setCommented(undefined)}
          onSend={(comment) => onRate(message, commented, comment)}
        />
      )}
    </>
  );
}

function CommentForm({ onClose, onSend }: { onClose: () => void; onSend: (comment: string) => void }) {
  const text = useText();
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const comment = String(new FormData(event.currentTarget).get("comment") ?? "").trim();
    if (comment) onSend(comment);
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
