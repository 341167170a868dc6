// One line for each thing worth knowing, as text or JSON (LOG_FORMAT). E-mail addresses, tokens and what a database
// quotes in its details must never get here: only messages and error codes are written, and addresses are blotted out.

const JSON_LINES = process.env.LOG_FORMAT === "json";

/** @typedef {"error" | "warn" | "info"} Level */

/**
 * @param {Level} level
 * @param {string} message
 * @param {Record<string, string | number>} [fields]
 */
export function log(level, message, fields = {}) {
  const clean = withoutAddresses(message);
  const line = JSON_LINES
    ? JSON.stringify({ timestamp: new Date().toISOString(), level, target: "auth", message: clean, ...fields })
    : [new Date().toISOString(), level.toUpperCase().padStart(5), "auth:", clean, ...pairs(fields)].join(" ");
  process.stderr.write(`${line}\n`);
}

/**
 * The part of an error that can be shown to an operator: its code, or else its message without addresses.
 * @param {unknown} error
 * @returns {string}
 */
export function reason(error) {
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0]);
  if (!(error instanceof Error)) return "unknown";
  const code = "code" in error && typeof error.code === "string" ? `${error.code} ` : "";
  return withoutAddresses(`${code}${error.message}`).trim();
}

/** @param {Record<string, string | number>} fields */
function pairs(fields) {
  return Object.entries(fields).map(([name, value]) => `${name}=${value}`);
}

/** @param {string} text */
function withoutAddresses(text) {
  return text.replace(/[^\s@"'(<]+@[^\s@"')>]+/g, "[address]");
}
