// The field for questions. Enter sends the question, except on an on-screen keyboard. While an answer is in progress,
// the send button becomes a stop button. The text is saved as a draft. A question with attached files is sent once they
// can be searched.

import { ArrowUp, Paperclip, Square } from "lucide-react";
import {
  type ClipboardEvent,
  type DragEvent,
  type FormEvent,
  type KeyboardEvent,
  type RefObject,
  type SyntheticEvent,
  useEffect,
  useRef,
  useState,
} from "react";
import { Attachments } from "../documents/Attachments";
import { type AttachmentState, stateOfAll } from "../documents/attachmentState";
import { FileInput } from "../documents/FileInput";
import { TagFilter } from "../documents/TagFilter";
import { useAttachments } from "../documents/useAttachments";
import { readDraft, saveDraft } from "../storage/drafts";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { IconButton } from "../ui/IconButton";
import { hasOnScreenKeyboard, isSendKey } from "../ui/keys";
import styles from "./Composer.module.css";
import { byteLength } from "./transcriptEntry";

/** Limit of the service, in UTF-8 bytes. */
const MAX_QUESTION_BYTES = 32_768;

interface Props {
  /** The user and the conversation that the draft belongs to. */
  owner: string;
  conversationId: string;
  /** `documents` are the ids of the attached files, `tags` those of further documents to answer from. */
  onAsk: (question: string, documents: readonly string[], tags: readonly string[]) => void;
  /** An answer is in progress, so no question can be sent. */
  isBusy?: boolean;
  /** Stops the answer in progress. Undefined until its id is known. */
  onStop?: (() => void) | undefined;
}

export function Composer({ owner, conversationId, onAsk, isBusy = false, onStop }: Props) {
  const text = useText();
  const [draft, setDraft] = useState(() => readDraft(owner, conversationId));
  const { attachments, add, remove } = useAttachments();
  const [tags, setTags] = useState<readonly string[]>([]);
  const form = useRef<HTMLFormElement>(null);
  const input = useRef<HTMLTextAreaElement>(null);
  const question = draft.trim();
  const isTooLong = byteLength(question) > MAX_QUESTION_BYTES;
  const files = stateOfAll(attachments.map(({ state }) => state));
  const canSend = question !== "" && !isTooLong && !isBusy && files !== "failed";
  useInitialFocus(input);

  const changeDraft = (changed: string) => {
    setDraft(changed);
    saveDraft(owner, conversationId, changed);
  };
  const send = () => {
    changeDraft("");
    for (const { id } of attachments) remove(id);
    onAsk(question, [...new Set(attachments.flatMap(({ documentId }) => documentId ?? []))], tags);
  };
  const { isWaiting, request, cancel } = useSendWhenReady(canSend, files, send);
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    request();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!isSendKey(event.nativeEvent)) return;
    event.preventDefault();
    form.current?.requestSubmit();
  };

  return (
    <form ref={form} className={styles.composer} onSubmit={onSubmit} {...takesFiles(add)}>
      {isTooLong && (
        <p className={styles.problem} role="alert">
          {text.composer.tooLong}
        </p>
      )}
      <Attachments attachments={attachments} onRemove={remove} />
      <TagFilter tags={tags} onChange={setTags} />
      {isWaiting && <WaitingForFiles onCancel={cancel} />}
      <div className={styles.box}>
        <AttachButton onFiles={add} />
        <textarea
          ref={input}
          id="composer"
          className={styles.input}
          aria-label={text.composer.label}
          placeholder={text.composer.placeholder}
          title={hasOnScreenKeyboard() ? undefined : text.composer.hint}
          enterKeyHint={hasOnScreenKeyboard() ? "enter" : "send"}
          rows={1}
          value={draft}
          readOnly={isWaiting}
          onChange={(event) => changeDraft(event.target.value)}
          onKeyDown={onKeyDown}
        />
        {isBusy ? <StopButton onStop={onStop} /> : <SendButton isEnabled={canSend && !isWaiting} />}
      </div>
    </form>
  );
}

/** Sends at once, or as soon as all attached files are ready. */
function useSendWhenReady(canSend: boolean, files: AttachmentState, send: () => void) {
  const [isWaiting, setIsWaiting] = useState(false);
  const sendNow = useRef(send);
  sendNow.current = send;
  useEffect(() => {
    if (!isWaiting || (canSend && files !== "ready")) return;
    setIsWaiting(false);
    if (canSend) sendNow.current();
  }, [isWaiting, canSend, files]);
  return {
    isWaiting,
    request: () => canSend && (files === "ready" ? send() : setIsWaiting(true)),
    cancel: () => setIsWaiting(false),
  };
}

function WaitingForFiles({ onCancel }: { onCancel: () => void }) {
  const text = useText();
  return (
    <p className={styles.waiting} role="status">
      {text.composer.waiting}
      <Button size="small" kind="quiet" onClick={onCancel}>
        {text.cancel}
      </Button>
    </p>
  );
}

function AttachButton({ onFiles }: { onFiles: (files: Iterable<File>) => void }) {
  const label = useText().composer.attach;
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton label={label} onClick={() => input.current?.click()}>
        <Paperclip size={18} />
      </IconButton>
      <FileInput ref={input} label={label} onFiles={onFiles} />
    </>
  );
}

/** Files can be dropped on the field, or pasted into it. */
function takesFiles(onFiles: (files: Iterable<File>) => void) {
  const take = (event: SyntheticEvent, files: FileList) => {
    if (files.length === 0) return;
    event.preventDefault();
    onFiles([...files]);
  };
  return {
    onDragOver: (event: DragEvent) => event.dataTransfer.types.includes("Files") && event.preventDefault(),
    onDrop: (event: DragEvent) => take(event, event.dataTransfer.files),
    onPaste: (event: ClipboardEvent) => take(event, event.clipboardData.files),
  };
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
