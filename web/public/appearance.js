// Theme and language before the first paint; `src/app/preferences.ts` writes what this reads.
(() => {
  let theme, language;
  try {
    theme = localStorage.getItem("colloquy:theme");
    language = localStorage.getItem("colloquy:language");
  } catch {
    // Without storage the device decides.
  }
  const root = document.documentElement;
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const wanted = language ? [language] : (navigator.languages ?? [navigator.language]);
  const known = wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag === "en" || tag === "de");
  root.lang = known ?? "en";
})();
