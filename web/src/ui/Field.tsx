// A labelled input with an optional hint.

import { type ComponentProps, useId } from "react";
import styles from "./Field.module.css";

interface Props extends ComponentProps<"input"> {
  label: string;
  hint?: string;
}

export function Field({ label, hint, ...rest }: Props) {
  const id = useId();
  const hintId = useId();
  return (
    <div className={styles.field}>
      <label className={styles.label} htmlFor={id}>
        {label}
      </label>
      <input {...rest} id={id} className={styles.input} {...(hint && { "aria-describedby": hintId })} />
      {hint && (
        <p id={hintId} className={styles.hint}>
          {hint}
        </p>
      )}
    </div>
  );
}
