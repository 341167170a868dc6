// The card with the forms for signing in, signing up and resetting the password.

import type { ReactNode } from "react";
import { useText } from "../text/text";
import { DocumentTitle } from "../ui/DocumentTitle";
import { Logo } from "../ui/Logo";
import styles from "./AuthCard.module.css";

interface Props {
  title: string;
  /** Title of the browser tab, if it differs from the heading. */
  tabTitle?: string;
  hint?: string;
  children: ReactNode;
}

export function AuthCard({ title, tabTitle = title, hint, children }: Props) {
  const text = useText();
  return (
    <main className={styles.page}>
      <DocumentTitle>{`${tabTitle} · ${text.name}`}</DocumentTitle>
      <div className={styles.card}>
        <header className={styles.header}>
          <Logo size={44} />
          <h1 className={styles.title}>{title}</h1>
          <p className={styles.hint}>{hint ?? text.tagline}</p>
        </header>
        {children}
      </div>
    </main>
  );
}
