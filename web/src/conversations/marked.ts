// A snippet cut where the words found begin and end. Pure.

export interface Part {
  from: number;
  text: string;
  found: boolean;
}

/** `highlights` count Unicode characters, as the API does, and not what JavaScript counts. */
export function marked(snippet: string, highlights: readonly number[][]): Part[] {
  const characters = [...snippet];
  const parts: Part[] = [];
  const add = (from: number, to: number, found: boolean) => {
    if (to > from) parts.push({ from, text: characters.slice(from, to).join(""), found });
  };
  let at = 0;
  for (const [start = 0, end = 0] of highlights) {
    add(at, start, false);
    add(Math.max(at, start), end, true);
    at = Math.max(at, end);
  }
  add(at, characters.length, false);
  return parts;
}
