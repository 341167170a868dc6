// Names a device by its user agent: the browser and the operating system. Pure.

type Patterns = readonly [RegExp, string][];

// In this order: the user agent of most browsers contains the names of others.
const BROWSERS: Patterns = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/HeadlessChrome\/|Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];

const SYSTEMS: Patterns = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux/, "Linux"],
];

/** Undefined if neither is recognised. */
export function deviceName(userAgent: string | null): string | undefined {
  const find = (patterns: Patterns) => patterns.find(([pattern]) => pattern.test(userAgent ?? ""))?.[1];
  const names = [find(BROWSERS), find(SYSTEMS)].filter(Boolean);
  return names.length > 0 ? names.join(" · ") : undefined;
}
