// The page's texts in the language in use. A language is a file beside `en.ts` with the same keys.

import { createContext, useContext } from "react";
import { en } from "./en";

export type Texts = typeof en;

const TextContext = createContext<Texts>(en);

export function useText(): Texts {
  return useContext(TextContext);
}
