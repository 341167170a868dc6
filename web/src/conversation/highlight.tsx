// Syntax highlighting. Loaded with the first block of code.

import { toJsxRuntime } from "hast-util-to-jsx-runtime";
import { common, createLowlight } from "lowlight";
import type { ReactNode } from "react";
import { Fragment, jsx, jsxs } from "react/jsx-runtime";

/** Longer code is not highlighted, because that would block the page. */
const MAX_CHARACTERS = 30_000;

const lowlight = createLowlight(common);

/** The highlighted code. Undefined if the language is unknown or the code too long. */
export function highlight(code: string, language: string): ReactNode | undefined {
  if (code.length > MAX_CHARACTERS || !lowlight.registered(language)) return undefined;
  return toJsxRuntime(lowlight.highlight(language, code), { Fragment, jsx, jsxs });
}
