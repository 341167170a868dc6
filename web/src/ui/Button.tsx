// A button, and the same looks for a link.

import type { ComponentProps } from "react";
import styles from "./Button.module.css";

interface Looks {
  kind?: "primary" | "plain" | "quiet" | "danger";
  size?: "normal" | "small" | "icon";
}

/** The classes of a button, for what is a link by nature. */
export function buttonLooks({ kind = "plain", size = "normal" }: Looks = {}): string {
  return [styles.button, styles[kind], size === "small" && styles.small, size === "icon" && styles.icon]
    .filter(Boolean)
    .join(" ");
}

export function Button({ kind = "plain", size = "normal", ...rest }: ComponentProps<"button"> & Looks) {
  return <button type="button" {...rest} className={buttonLooks({ kind, size })} />;
}
