// Theme and language.

import { useSyncExternalStore } from "react";
import { preferences, type Theme } from "../app/preferences";
import { LANGUAGES, type Language, loadTexts, useLanguage, useText } from "../text/text";
import { Section } from "../ui/Page";
import styles from "./Settings.module.css";

const THEMES: readonly Theme[] = ["system", "light", "dark"];

export function Appearance() {
  const text = useText();
  const language = useLanguage();
  const theme = useSyncExternalStore(preferences.subscribe, preferences.theme);
  return (
    <Section title={text.settings.appearance}>
      <fieldset className={styles.choices}>
        <legend>{text.settings.theme}</legend>
        {THEMES.map((one) => (
          <label key={one} className={styles.choice}>
            <input type="radio" name="theme" checked={theme === one} onChange={() => preferences.setTheme(one)} />
            {text.settings.themes[one]}
          </label>
        ))}
      </fieldset>
      <label className={styles.select}>
        {text.settings.language}
        <select value={language} onChange={(event) => void speak(event.target.value as Language)}>
          {LANGUAGES.map(({ code, name }) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </Section>
  );
}

async function speak(language: Language): Promise<void> {
  await loadTexts(language);
  preferences.setLanguage(language);
}
