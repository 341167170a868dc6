// The counts of the rate limits, in this process's memory. Better Auth's own store looks at every entry at each request;
// this one does the same small work for any number of entries.

const MAX_ENTRIES = 10_000;

/** @typedef {{ window: number, max: number }} Rule Window in seconds. */

/**
 * A store of at most `maxEntries` counts. Beyond that, the count that was used longest ago is forgotten.
 * @param {{ maxEntries?: number, now?: () => number }} [options]
 */
export function createRateLimitStore({ maxEntries = MAX_ENTRIES, now = Date.now } = {}) {
  /** @type {Map<string, { count: number, since: number }>} */
  const counts = new Map();
  return {
    /** @param {string} key @param {Rule} rule */
    consume: async (key, { window, max }) => {
      const name = withoutToken(key);
      const time = now();
      const known = counts.get(name);
      const entry = known && time - known.since < window * 1000 ? known : { count: 0, since: time };
      if (entry.count >= max) {
        return { allowed: false, retryAfter: Math.ceil((entry.since + window * 1000 - time) / 1000) };
      }
      counts.delete(name);
      counts.set(name, { count: entry.count + 1, since: entry.since });
      if (counts.size > maxEntries) {
        const oldest = counts.keys().next();
        if (!oldest.done) counts.delete(oldest.value);
      }
      return { allowed: true, retryAfter: null };
    },
    size: () => counts.size,
  };
}

/**
 * All links of one kind share a count: their tokens are different each time.
 * @param {string} key
 */
function withoutToken(key) {
  return key.replace(/(\/reset-password)\/.*$/, "$1");
}
