// A window over the page that has to be closed before going on. The browser's own: it keeps the focus inside, closes with
// Escape, and adds no styles that a strict policy would refuse.

import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef } from "react";
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
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
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
