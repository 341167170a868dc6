import type { RefObject } from "react";
import { ACCEPTED } from "./formats";

interface Props {
  /** Opens the file dialog by `click()`. */
  ref: RefObject<HTMLInputElement | null>;
  label: string;
  onFiles: (files: Iterable<File>) => void;
}

/** The file dialog of a button, for the formats that can be read. The same file can be chosen twice in a row. */
export function FileInput({ ref, label, onFiles }: Props) {
  return (
    <input
      ref={ref}
      className="visually-hidden"
      type="file"
      multiple
      tabIndex={-1}
      aria-label={label}
      accept={ACCEPTED}
      onChange={({ target }) => {
        onFiles([...(target.files ?? [])]);
        target.value = "";
      }}
    />
  );
}
