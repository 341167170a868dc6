// The field for questions. Enter sends the question. While an answer is in progress, the send button becomes
// a stop button. The text is saved as a draft.

import { ArrowUp, Square } from "lucide-react";
import { type FormEvent, type KeyboardEvent, type RefObject, useEffect, useRef, useState } from "react";
import { readDraft, saveDraft } from "../storage/drafts";
import { useText } from "../text/text";
import styles from "./Composer.module.css";
import { byteLength } from "./transcriptEntry";

/** Limit of the service, in UTF-8 bytes. */
const MAX_QUESTION_BYTES = 32_768;

interface Props {
  /** The user and the conversation that the draft belongs to. */
  owner: string;
  conversationId: string;
  onAsk: (question: string) => void;
  /** An answer is in progress, so no question can be sent. */
  isBusy?: boolean;
  /** Stops the answer in progress. Undefined until its id is known. */
  onStop?: (() => void) | undefined;
}

export function Composer({ owner, conversationId, onAsk, isBusy = false, onStop }: Props) {
  const text = useText();
  const [draft, setDraft] = useState(() => readDraft(owner, conversationId));
  const form = useRef<HTMLFormElement>(null);
  const input = useRef<HTMLTextAreaElement>(null);
  const question = draft.trim();
  const isTooLong = byteLength(question) > MAX_QUESTION_BYTES;
  const canSend = question !== "" && !isTooLong && !isBusy;
  useInitialFocus(input);

  const changeDraft = (changed: string) => {
    setDraft(changed);
    saveDraft(owner, conversationId, changed);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!canSend) return;
    changeDraft("");
    onAsk(question);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // During the composition of a character, Enter confirms it.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    form.current?.requestSubmit();
  };

  return (
    <form ref={form} className={styles.composer} onSubmit={submit}>
      {isTooLong && (
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
          onChange={(event) => changeDraft(event.target.value)}
          onKeyDown={onKeyDown}
        />
        {isBusy ? <StopButton onStop={onStop} /> : <SendButton isEnabled={canSend} />}
      </div>
    </form>
  );
}

function SendButton({ isEnabled }: { isEnabled: boolean }) {
  const label = useText().composer.send;
  return (
    <button type="submit" className={styles.action} aria-label={label} title={label} disabled={!isEnabled}>
      <ArrowUp size={20} aria-hidden="true" />
    </button>
  );
}

function StopButton({ onStop }: { onStop: (() => void) | undefined }) {
  const label = useText().composer.stop;
  return (
    <button
      type="button"
      className={styles.action}
      aria-label={label}
      title={label}
      disabled={!onStop}
      onClick={onStop}
    >
      <Square size={16} fill="currentColor" aria-hidden="true" />
    </button>
  );
}

/** Focuses the field, except on touch devices, where the focus would open the on-screen keyboard. */
function useInitialFocus(input: RefObject<HTMLTextAreaElement | null>): void {
  useEffect(() => {
    const isFocusFree = document.activeElement === document.body || document.activeElement === null;
    if (isFocusFree && matchMedia("(pointer: fine)").matches) input.current?.focus({ preventScroll: true });
  }, [input]);
}
