// Formats a time from now. Pure.

/** For example "in 30 seconds", in the largest unit of which there are at least two. */
export function fromNow(seconds: number, language: string): string {
  const format = new Intl.RelativeTimeFormat(language);
  if (seconds < 120) return format.format(Math.max(1, Math.ceil(seconds)), "second");
  if (seconds < 2 * 3600) return format.format(Math.ceil(seconds / 60), "minute");
  return format.format(Math.ceil(seconds / 3600), "hour");
}
