// A modal dialog. Uses the browser's dialog element, which keeps the focus inside, closes on Escape and needs
// no inline styles, which the Content-Security-Policy forbids.

import { X } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useText } from "../text/text";
import styles from "./Dialog.module.css";
import { IconButton } from "./IconButton";
import { keyOf } from "./keys";

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** At the right edge and as high as the page, for text that is read beside the page. */
  side?: boolean;
}

/** Open while it is rendered. */
export function Dialog({ title, onClose, children, side = false }: Props) {
  const text = useText();
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const [opener] = useState(findOpener);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // By default the browser focuses the close button.
    element?.querySelector<HTMLElement>("input, textarea")?.focus();
    return () => {
      element?.close();
      opener?.focus();
    };
  }, [opener]);
  return (
    <dialog
      ref={dialog}
      className={side ? `${styles.dialog} ${styles.side}` : styles.dialog}
      aria-labelledby={titleId}
      onClose={onClose}
      onKeyDown={keepEscape}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className={styles.body}>
        <header className={styles.header}>
          <h2 id={titleId} className={styles.title}>
            {title}
          </h2>
          <IconButton label={text.close} onClick={onClose}>
            <X size={18} />
          </IconButton>
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** Keeps Escape, which closes the dialog, from the page, and the Escape of an input method from the dialog. */
function keepEscape(event: KeyboardEvent): void {
  if (event.key !== "Escape") return;
  if (keyOf(event.nativeEvent) === undefined) event.preventDefault();
  else event.stopPropagation();
}

/**
 * The element that gets the focus when the dialog closes: the focused one, or the button of the menu that
 * contains it.
 */
function findOpener(): HTMLElement | null {
  const focused = document.activeElement;
  const buttonId = focused?.closest("[role=menu]")?.getAttribute("aria-labelledby");
  const opener = buttonId ? document.getElementById(buttonId) : focused;
  return opener instanceof HTMLElement ? opener : null;
}
