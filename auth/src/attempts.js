// Limits per account on attempts to sign in, beside those per client address. Everybody can attempt to sign in as
// somebody: so an address from which the account has signed in before has a count of its own, and strangers who use
// up the attempts do not lock the owner out. Addresses without an account are counted in the same way.

import { APIError } from "better-auth/api";

/** Attempts on one account that fail. A guesser with any number of addresses has under 3,000 a day. */
export const ATTEMPTS = { window: 900, max: 30 };
const KNOWN_FOR_SECONDS = 30 * 86_400;

/** @typedef {ReturnType<typeof createAttempts>} Attempts */

/**
 * @param {import("./limits.js").Limits} limits
 * @param {boolean} enabled
 */
export function createAttempts(limits, enabled) {
  return {
    /**
     * Counts an attempt, or refuses it. Returns the name of the count, for `succeeded`.
     * @param {string} email @param {string | null} address
     */
    begin: async (email, address) => {
      if (!enabled) return "";
      const known = nameOfKnown(email, address);
      const name = (await limits.isRemembered(known)) ? `attempt|${known}` : nameOfAttempts(email);
      const { allowed, retryAfter } = await limits.consume(name, ATTEMPTS);
      if (!allowed) throw tooMany(retryAfter ?? ATTEMPTS.window);
      return name;
    },
    /**
     * Takes an attempt back that was right, and remembers where the owner is.
     * @param {string} email @param {string | null} address @param {string} [attempt]
     */
    succeeded: async (email, address, attempt) => {
      if (!enabled) return;
      if (attempt) await limits.refund(attempt);
      if (address) await limits.remember(nameOfKnown(email, address), KNOWN_FOR_SECONDS);
    },
  };
}

/**
 * The count of attempts from addresses that the account does not know.
 * @param {string} email
 */
export function nameOfAttempts(email) {
  return `attempt|${email.toLowerCase()}`;
}

/** @param {string} email @param {string | null} address */
function nameOfKnown(email, address) {
  return `known|${email.toLowerCase()}|${address}`;
}

/** @param {number} retryAfter */
function tooMany(retryAfter) {
  const message = "Too many attempts to sign in to this account. Please try again later.";
  const headers = { "retry-after": String(retryAfter) };
  return new APIError("TOO_MANY_REQUESTS", { code: "TOO_MANY_ATTEMPTS", message }, headers);
}
