// The page's texts in the language in use. A language is a file beside `en.ts` with the same keys.

import { useSyncExternalStore } from "react";
import { preferences } from "../app/preferences";
import { en } from "./en";

export type Texts = typeof en;
export type Language = "en" | "de";

const TEXTS: { [language in Language]?: Texts } = { en };
/** How each language calls itself. */
export const LANGUAGES: readonly { code: Language; name: string }[] = [
  { code: "en", name: "English" },
  { code: "de", name: "Deutsch" },
];

/** Fetches the texts of a language that did not come with the page; to be waited for before it is used. */
export async function loadTexts(language: Language): Promise<void> {
  if (language === "de") TEXTS.de ??= (await import("./de")).de;
}

export function useLanguage(): Language {
  return useSyncExternalStore(preferences.subscribe, preferences.language, preferences.language);
}

export function useText(): Texts {
  return TEXTS[useLanguage()] ?? en;
}
