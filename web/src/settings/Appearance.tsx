// Section for theme and language.

import { useSyncExternalStore } from "react";
import { LANGUAGES, type Language, preferences, THEMES } from "../storage/preferences";
import { loadTexts, useLanguage, useText } from "../text/text";
import { Section } from "../ui/Page";
import styles from "./Settings.module.css";

export function Appearance() {
  const text = useText();
  const language = useLanguage();
  const theme = useSyncExternalStore(preferences.subscribe, preferences.theme);
  return (
    <Section title={text.settings.appearance}>
      <fieldset className={styles.choices}>
        <legend>{text.settings.theme}</legend>
        {THEMES.map((option) => (
          <label key={option} className={styles.choice}>
            <input type="radio" name="theme" checked={theme === option} onChange={() => preferences.setTheme(option)} />
            {text.settings.themes[option]}
          </label>
        ))}
      </fieldset>
      <label className={styles.select}>
        {text.settings.language}
        <select
          value={language}
          onChange={({ target }) => void changeLanguage(LANGUAGES[target.selectedIndex]?.code ?? language)}
        >
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

async function changeLanguage(language: Language): Promise<void> {
  await loadTexts(language);
  preferences.setLanguage(language);
}
