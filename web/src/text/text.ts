// The page's texts in the current language. Each language is a file beside `en.ts` with the same keys.

import { useSyncExternalStore } from "react";
import { type Language, preferences } from "../storage/preferences";
import { en, type Texts } from "./en";

export type { Texts } from "./en";

const TEXTS: { [language in Language]?: Texts } = { en };

/**
 * Loads the texts of a language that is not part of the first script. Call before switching to the language.
 */
export async function loadTexts(language: Language): Promise<void> {
  if (language === "de") TEXTS.de ??= (await import("./de")).de;
}

export function useLanguage(): Language {
  return useSyncExternalStore(preferences.subscribe, preferences.language, preferences.language);
}

export function useText(): Texts {
  return TEXTS[useLanguage()] ?? en;
}
