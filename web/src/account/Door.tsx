// The card that everything before signing in stands on.

import type { ReactNode } from "react";
import { useText } from "../text/text";
import { DocumentTitle } from "../ui/DocumentTitle";
import { Logo } from "../ui/Logo";
import styles from "./AccountPage.module.css";

interface Props {
  title: string;
  /** What the browser's tab says. */
  action: string;
  hint?: string;
  children: ReactNode;
}

export function Door({ title, action, hint, children }: Props) {
  const text = useText();
  return (
    <main className={styles.page}>
      <DocumentTitle>{`${action} · ${text.name}`}</DocumentTitle>
      <div className={styles.card}>
        <header className={styles.head}>
          <Logo size={44} />
          <h1 className={styles.title}>{title}</h1>
          <p className={styles.tagline}>{hint ?? text.tagline}</p>
        </header>
        {children}
      </div>
    </main>
  );
}
