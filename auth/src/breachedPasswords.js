// Whether a password is among those of known breaches, asked of a range service (k-anonymity): it learns the first
// five digits of the password's SHA-1 and answers with all that begin so. A service that is away, slow or wrong
// refuses nobody.

import { createHash } from "node:crypto";
import { APIError } from "better-auth/api";
import { log, reason } from "./log.js";

const TIMEOUT_MS = 2_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
const PREFIX_LENGTH = 5;

/** The routes that set a password, and the field that has it. */
const FIELDS = new Map([
  ["/sign-up/email", "password"],
  ["/change-password", "newPassword"],
  ["/reset-password", "newPassword"],
]);

/**
 * Refuses a new password that is known from a breach.
 * @param {string} url Followed by the five digits; empty for no check.
 * @param {string} path
 * @param {Record<string, unknown> | undefined} body
 */
export async function refuseBreachedPassword(url, path, body) {
  const password = body?.[FIELDS.get(path) ?? ""];
  if (!url || typeof password !== "string" || !(await isBreached(url, password))) return;
  const message = "This password is known from a data breach. Please choose another one.";
  throw new APIError("BAD_REQUEST", { code: "PASSWORD_COMPROMISED", message });
}

/** @param {string} url @param {string} password */
async function isBreached(url, password) {
  const digest = createHash("sha1").update(password).digest("hex").toUpperCase();
  try {
    const options = { headers: { "add-padding": "true" }, signal: AbortSignal.timeout(TIMEOUT_MS) };
    const response = await fetch(url + digest.slice(0, PREFIX_LENGTH), options);
    if (!response.ok) throw new Error(`the service answered ${response.status}`);
    return holds(await readText(response), digest.slice(PREFIX_LENGTH));
  } catch (error) {
    log("warn", "a password could not be compared with breaches", { error: reason(error) });
    return false;
  }
}

/**
 * Lines are a suffix, a colon and a number; padding has the number 0.
 * @param {string} ranges @param {string} suffix
 */
function holds(ranges, suffix) {
  return ranges.split("\n").some((line) => {
    const [found, count] = line.trim().split(":");
    return found?.toUpperCase() === suffix && Number(count) > 0;
  });
}

/** @param {Response} response */
async function readText(response) {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_ANSWER_BYTES) throw new Error("the answer is too long");
  }
  return text;
}
