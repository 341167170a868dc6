// The layout of pages other than conversations: title, hint and sections.

import type { ReactNode } from "react";
import { useText } from "../text/text";
import { DocumentTitle } from "./DocumentTitle";
import styles from "./Page.module.css";

interface Props {
  title: string;
  hint?: string;
  wide?: boolean;
  children: ReactNode;
}

export function Page({ title, hint, wide = false, children }: Props) {
  const text = useText();
  return (
    <div className={styles.page}>
      <DocumentTitle>{`${title} · ${text.name}`}</DocumentTitle>
      <div className={wide ? `${styles.column} ${styles.wide}` : styles.column}>
        <header className={styles.header}>
          <h1 className={styles.title}>{title}</h1>
          {hint && <p className={styles.hint}>{hint}</p>}
        </header>
        {children}
      </div>
    </div>
  );
}

export function Section({ title, hint, children }: { title: string; hint?: string; children: ReactNode }) {
  return (
    <section className={styles.section}>
      <div>
        <h2 className={styles.subtitle}>{title}</h2>
        {hint && <p className={styles.hint}>{hint}</p>}
      </div>
      {children}
    </section>
  );
}
