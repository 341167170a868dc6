// Applies theme and language before the first paint. `src/storage/preferences.ts` saves both.
(() => {
  let theme, language;
  try {
    theme = localStorage.getItem("colloquy:theme");
    language = localStorage.getItem("colloquy:language");
  } catch {
    // Storage is disabled: the device's settings apply.
  }
  const root = document.documentElement;
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const preferred = language ? [language] : (navigator.languages ?? [navigator.language]);
  const supported = preferred.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag === "en" || tag === "de");
  root.lang = supported ?? "en";
})();
