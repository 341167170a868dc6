// The last row of a form: its button, and the message that it was carried out.

import type { ReactNode } from "react";
import styles from "./SubmitRow.module.css";

interface Props {
  isDone: boolean;
  message: string;
  children: ReactNode;
}

export function SubmitRow({ isDone, message, children }: Props) {
  return (
    <div className={styles.actions}>
      {children}
      <span role="status" className={styles.saved}>
        {isDone && message}
      </span>
    </div>
  );
}
