// A window over the page that has to be closed before going on. The browser's own: it keeps the focus inside, closes with
// Escape, and adds no styles that a strict policy would refuse.

import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useText } from "../text/text";
import styles from "./Dialog.module.css";
import { IconButton } from "./IconButton";

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** At the side and as high as the page, for what is read beside it. */
  side?: boolean;
}

/** Open as long as it is drawn. */
export function Dialog({ title, onClose, children, side = false }: Props) {
  const text = useText();
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const [opener] = useState(openerNow);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // The browser would begin at the button that closes it.
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
      onKeyDown={(event) => event.key === "Escape" && event.stopPropagation()}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className={styles.body}>
        <header className={styles.head}>
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

/** What to go back to. A menu that opens a dialog is gone when it closes, but its button is not. */
function openerNow(): HTMLElement | null {
  const focused = document.activeElement;
  const button = focused?.closest("[role=menu]")?.getAttribute("aria-labelledby");
  const opener = button ? document.getElementById(button) : focused;
  return opener instanceof HTMLElement ? opener : null;
}
