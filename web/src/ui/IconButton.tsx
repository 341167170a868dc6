// A button with an icon. Its label is also its tooltip.

import type { ComponentProps, ReactElement } from "react";
import styles from "./IconButton.module.css";

interface Props extends Omit<ComponentProps<"button">, "aria-label" | "title" | "children"> {
  label: string;
  children: ReactElement;
}

export function IconButton({ label, children, ...rest }: Props) {
  return (
    <button type="button" {...rest} className={styles.button} aria-label={label} title={label}>
      <span aria-hidden="true" className={styles.icon}>
        {children}
      </span>
    </button>
  );
}
