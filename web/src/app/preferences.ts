// Theme and language: what the person chose, kept on this device; else what the device says.
// `public/appearance.js` applies them before the first paint.

import type { Language } from "../text/text";

export type Theme = "system" | "light" | "dark";

const THEME = "colloquy:theme";
const LANGUAGE = "colloquy:language";

const listeners = new Set<() => void>();
const root = typeof document === "undefined" ? undefined : document.documentElement;

function keep(key: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Storage may be full or forbidden; the choice then lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

export const preferences = {
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  language(): Language {
    return root?.lang === "de" ? "de" : "en";
  },
  setLanguage(language: Language): void {
    if (root) root.lang = language;
    keep(LANGUAGE, language);
  },
  theme(): Theme {
    const theme = root?.dataset.theme;
    return theme === "light" || theme === "dark" ? theme : "system";
  },
  setTheme(theme: Theme): void {
    if (root && theme === "system") delete root.dataset.theme;
    else if (root) root.dataset.theme = theme;
    keep(THEME, theme === "system" ? undefined : theme);
  },
};
