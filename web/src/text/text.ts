// The page's texts in the language in use. A language is a file beside `en.ts` with the same keys.

import { useSyncExternalStore } from "react";
import { preferences } from "../app/preferences";
import { de } from "./de";
import { en } from "./en";

export type Texts = typeof en;
export type Language = "en" | "de";

const TEXTS: Record<Language, Texts> = { en, de };
/** How each language calls itself. */
export const LANGUAGES: readonly { code: Language; name: string }[] = [
  { code: "en", name: "English" },
  { code: "de", name: "Deutsch" },
];

export function useLanguage(): Language {
  return useSyncExternalStore(preferences.subscribe, preferences.language, preferences.language);
}

export function useText(): Texts {
  return TEXTS[useLanguage()];
}
