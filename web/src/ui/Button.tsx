// A button, and its style for links.

import type { ComponentProps } from "react";
import styles from "./Button.module.css";

interface ButtonStyle {
  kind?: "primary" | "plain" | "quiet" | "danger";
  size?: "normal" | "small" | "icon";
}

/** The classes of a button, for links that look like buttons. */
export function buttonClass({ kind = "plain", size = "normal" }: ButtonStyle = {}): string {
  return [styles.button, styles[kind], size === "small" && styles.small, size === "icon" && styles.icon]
    .filter(Boolean)
    .join(" ");
}

export function Button({ kind = "plain", size = "normal", ...rest }: ComponentProps<"button"> & ButtonStyle) {
  return <button type="button" {...rest} className={buttonClass({ kind, size })} />;
}
