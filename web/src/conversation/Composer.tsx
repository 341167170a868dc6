// Where a question is written. Enter sends it, and an answer being written can be stopped here. What is written survives
// leaving the page.

import { ArrowUp, Square } from "lucide-react";
import { type FormEvent, type KeyboardEvent, type RefObject, useEffect, useRef, useState } from "react";
import { useText } from "../text/text";
import styles from "./Composer.module.css";
import { draftOf, keepDraft } from "./drafts";

/** What the service takes, in UTF-8. */
const MAX_QUESTION_BYTES = 32_768;

interface Props {
  /** Whose draft it is, and of which conversation. */
  owner: string;
  conversationId: string;
  onAsk: (question: string) => void;
  /** Given while an answer is being written; undefined inside until the answer can be named. */
  stopping?: { stop: (() => void) | undefined } | undefined;
}

export function Composer({ owner, conversationId, onAsk, stopping }: Props) {
  const text = useText();
  const [draft, setDraft] = useState(() => draftOf(owner, conversationId));
  const form = useRef<HTMLFormElement>(null);
  const input = useRef<HTMLTextAreaElement>(null);
  const question = draft.trim();
  const tooLong = new TextEncoder().encode(question).length > MAX_QUESTION_BYTES;
  const ready = question !== "" && !tooLong && !stopping;
  useFocusOnWideScreens(input);

  const write = (written: string) => {
    setDraft(written);
    keepDraft(owner, conversationId, written);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready) return;
    write("");
    onAsk(question);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // Enter also ends the choice of a character in some writing systems.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    form.current?.requestSubmit();
  };

  return (
    <form ref={form} className={styles.composer} onSubmit={submit}>
      {tooLong && (
        <p className={styles.problem} role="alert">
          {text.composer.tooLong}
        </p>
      )}
      <div className={styles.box}>
        <textarea
          ref={input}
          id="composer"
          className={styles.input}
          aria-label={text.composer.label}
          placeholder={text.composer.placeholder}
          title={text.composer.hint}
          rows={1}
          value={draft}
          onChange={(event) => write(event.target.value)}
          onKeyDown={onKeyDown}
        />
        {stopping ? (
          <button
            type="button"
            className={styles.action}
            aria-label={text.composer.stop}
            title={text.composer.stop}
            disabled={!stopping.stop}
            onClick={stopping.stop}
          >
            <Square size={16} fill="currentColor" aria-hidden="true" />
          </button>
        ) : (
          <button
            type="submit"
            className={styles.action}
            aria-label={text.composer.send}
            title={text.composer.send}
            disabled={!ready}
          >
            <ArrowUp size={20} aria-hidden="true" />
          </button>
        )}
      </div>
    </form>
  );
}

/** Where the focus does not bring up a keyboard over half of the page. */
function useFocusOnWideScreens(input: RefObject<HTMLTextAreaElement | null>): void {
  useEffect(() => {
    const nobodyHasIt = document.activeElement === document.body || document.activeElement === null;
    if (nobodyHasIt && matchMedia("(pointer: fine)").matches) input.current?.focus({ preventScroll: true });
  }, [input]);
}
