// A size as a person reads it. Pure.

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

export function inUnits(bytes: number, language: string): string {
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
    // Short for bytes is "34 byte" in English.
    unitDisplay: unit === 0 ? "long" : "short",
    maximumFractionDigits: digits,
  } as const;
  return new Intl.NumberFormat(language, style).format(value);
}
