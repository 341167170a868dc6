// Collects items that arrive faster than the screen is updated, and passes them on once per frame.

interface Batches<Item> {
  /** Adds an item. Returns whether `apply` returned true since the last call. */
  add: (item: Item) => boolean;
  /** Passes the collected items on immediately. */
  flush: () => void;
}

/** Longest delay of an item. A hidden page has no frames. */
const MAX_DELAY_MS = 250;

export function batchByFrame<Item>(apply: (items: Item[]) => boolean): Batches<Item> {
  let batch: Item[] = [];
  let frame: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let result = false;
  const flush = () => {
    if (frame !== undefined) cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = timer = undefined;
    const items = batch;
    batch = [];
    if (items.length > 0) result = apply(items) || result;
  };
  return {
    flush,
    add: (item) => {
      batch.push(item);
      frame ??= requestAnimationFrame(flush);
      timer ??= setTimeout(flush, MAX_DELAY_MS);
      const previous = result;
      result = false;
      return previous;
    },
  };
}
