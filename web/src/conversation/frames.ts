// Gathers what arrives faster than the screen is drawn, and hands it on once for each frame.

interface Frames<Item> {
  /** Adds an item; says what `take` gave for the last frame. */
  add: (item: Item) => boolean;
  /** Hands on what is left at once. */
  flush: () => void;
}

/** A page out of sight draws no frames, but must not fall behind. */
const LONGEST_MS = 250;

export function inFrames<Item>(take: (items: Item[]) => boolean): Frames<Item> {
  let waiting: Item[] = [];
  let frame: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let said = false;
  const flush = () => {
    if (frame !== undefined) cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = timer = undefined;
    const items = waiting;
    waiting = [];
    if (items.length > 0) said = take(items) || said;
  };
  return {
    flush,
    add: (item) => {
      waiting.push(item);
      frame ??= requestAnimationFrame(flush);
      timer ??= setTimeout(flush, LONGEST_MS);
      const before = said;
      said = false;
      return before;
    },
  };
}
