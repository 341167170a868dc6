// Switches between the versions of a question or an answer: ‹2/3›.

import { useNavigate } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight } from "lucide-react";
import type { Message } from "../api/types";
import { useText } from "../text/text";
import styles from "./Branches.module.css";

export function Branches({ message, disabled }: { message: Message; disabled?: boolean }) {
  const text = useText();
  const navigate = useNavigate();
  const { id, siblings } = message;
  const index = siblings.indexOf(id);
  if (siblings.length < 2 || index === -1) return null;
  const show = (branch: string | undefined) =>
    branch && navigate({ to: ".", search: (search) => ({ ...search, branch, m: undefined }), resetScroll: false });
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is meant for forms
    <span className={styles.branches} role="group" aria-label={text.branches.label}>
      <button
        type="button"
        aria-label={text.branches.previous}
        disabled={disabled || index === 0}
        onClick={() => void show(siblings[index - 1])}
      >
        <ChevronLeft size={16} aria-hidden="true" />
      </button>
      <span className={styles.position} role="img" aria-label={text.branches.position(index + 1, siblings.length)}>
        {index + 1}/{siblings.length}
      </span>
      <button
        type="button"
        aria-label={text.branches.next}
        disabled={disabled || index === siblings.length - 1}
        onClick={() => void show(siblings[index + 1])}
      >
        <ChevronRight size={16} aria-hidden="true" />
      </button>
    </span>
  );
}
