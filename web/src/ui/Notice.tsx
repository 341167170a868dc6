// Messages in place of content, and errors.

import type { ReactNode } from "react";
import styles from "./Notice.module.css";

/** Stands in place of a page that cannot be shown. The children are the actions that help. */
export function Notice({ title, hint, children }: { title: string; hint?: string; children?: ReactNode }) {
  return (
    <div className={styles.notice} role="status">
      <h1 className={styles.title}>{title}</h1>
      {hint && <p className={styles.hint}>{hint}</p>}
      {children}
    </div>
  );
}

/** An error message. */
export function Alert({ children }: { children: ReactNode }) {
  return (
    <p className={styles.alert} role="alert">
      {children}
    </p>
  );
}
