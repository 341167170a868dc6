// Theme and language: the user's choice on this device, or the device's setting.
// `public/appearance.js` applies both before the first paint.

export type Theme = "system" | "light" | "dark";
export type Language = "en" | "de";

export const THEMES: readonly Theme[] = ["system", "light", "dark"];
/** Each language with its own name for itself. */
export const LANGUAGES: readonly { code: Language; name: string }[] = [
  { code: "en", name: "English" },
  { code: "de", name: "Deutsch" },
];

const THEME_KEY = "colloquy:theme";
const LANGUAGE_KEY = "colloquy:language";

const listeners = new Set<() => void>();
const root = typeof document === "undefined" ? undefined : document.documentElement;

function save(key: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Storage is full or disabled: the choice lasts until the page is closed.
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
    save(LANGUAGE_KEY, language);
  },
  theme(): Theme {
    const theme = root?.dataset.theme;
    return theme === "light" || theme === "dark" ? theme : "system";
  },
  setTheme(theme: Theme): void {
    if (root && theme === "system") delete root.dataset.theme;
    else if (root) root.dataset.theme = theme;
    save(THEME_KEY, theme === "system" ? undefined : theme);
  },
};
