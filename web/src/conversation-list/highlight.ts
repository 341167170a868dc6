// Splits a snippet of a search result at its highlights. Pure.

export interface Part {
  /** Index of the part's first character. */
  start: number;
  text: string;
  isHighlight: boolean;
}

/** `highlights` are ranges in Unicode characters, as the API sends them, not in UTF-16 units. */
export function splitHighlights(snippet: string, highlights: readonly number[][]): Part[] {
  const characters = [...snippet];
  const parts: Part[] = [];
  const add = (start: number, end: number, isHighlight: boolean) => {
    if (end > start) parts.push({ start, text: characters.slice(start, end).join(""), isHighlight });
  };
  let position = 0;
  for (const [start = 0, end = 0] of highlights) {
    add(position, start, false);
    add(Math.max(position, start), end, true);
    position = Math.max(position, end);
  }
  add(position, characters.length, false);
  return parts;
}
