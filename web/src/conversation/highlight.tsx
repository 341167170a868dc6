// Colours code. Fetched when the first block of code appears.

import { toJsxRuntime } from "hast-util-to-jsx-runtime";
import { common, createLowlight } from "lowlight";
import type { ReactNode } from "react";
import { Fragment, jsx, jsxs } from "react/jsx-runtime";

/** Longer code is shown as it is: colouring it would hold up the page. */
const LONGEST = 30_000;

const lowlight = createLowlight(common);

/** The code with its colours; undefined for a language that is not known. */
export function highlighted(code: string, language: string): ReactNode | undefined {
  if (code.length > LONGEST || !lowlight.registered(language)) return undefined;
  return toJsxRuntime(lowlight.highlight(language, code), { Fragment, jsx, jsxs });
}
