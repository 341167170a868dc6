// Formats the size of a file. Pure.

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

export function formatBytes(bytes: number, language: string): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = value < 10 && unit > 0 ? 1 : 0;
  const style = {
    style: "unit",
    unit: UNITS[unit] ?? "byte",
    // The short form of bytes lacks the plural in English: "34 byte".
    unitDisplay: unit === 0 ? "long" : "short",
    maximumFractionDigits: digits,
  } as const;
  return new Intl.NumberFormat(language, style).format(value);
}
