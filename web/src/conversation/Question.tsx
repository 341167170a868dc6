// What a person asked, and what to do when it was not sent.

import { memo } from "react";
import type { Message } from "../api/types";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import styles from "./Question.module.css";
import type { Entry } from "./transcript";

interface Props {
  entry: Entry;
  onAgain: (message: Message) => void;
  onWithdraw: (message: Message) => void;
}

export const Question = memo(function Question({ entry, onAgain, onWithdraw }: Props) {
  const text = useText();
  const { message, origin } = entry;
  return (
    <article className={styles.question} aria-label={text.conversation.question} data-origin={origin}>
      <p className={styles.bubble}>{message.text}</p>
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
