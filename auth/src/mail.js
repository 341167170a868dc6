// How links reach people: by mail where a server is configured; in development, where PUBLIC_URL names the loopback,
// links to choose a password are in the log of this process. Elsewhere they reach nobody, and the accounts say that
// there is no such thing. Links carry their token behind a "#", which browsers send to no server.

import nodemailer from "nodemailer";
import { letter } from "./letters.js";
import { log, reason } from "./log.js";

const TIMEOUT_MS = 10_000;
/** Mails that are handed to the server at the same time. */
const LANES = 2;
/** Mails that wait for the server. Beyond that they are dropped; people can ask again. */
const MAX_WAITING = 200;
/** Mails to one address, whoever asks for them and from wherever. */
const RECIPIENT_RULES = [
  { window: 3_600, max: 4 },
  { window: 86_400, max: 12 },
];

/** @typedef {import("./letters.js").LetterKind} LetterKind */
/** @typedef {(email: string, kind: LetterKind, link: string, language?: string | null) => void} SendLetter */

/**
 * Sends letters without holding anybody up: how long it takes would tell whether an address has an account. What goes
 * wrong, and what exceeds the limits of its recipient, is logged without the address.
 *
 * @param {import("./configuration.js").Configuration} configuration
 * @param {import("./limits.js").Limits} limits
 * @returns {SendLetter | undefined} `undefined` without a mail server.
 */
export function createMail({ smtpUrl, mailFrom }, limits) {
  if (!smtpUrl) return undefined;
  const timeouts = { connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS };
  const server = nodemailer.createTransport({ url: smtpUrl, ...timeouts }, { from: mailFrom });
  /** @type {Promise<unknown>[]} What the last mail of each lane waits for; never fails. */
  const lanes = Array(LANES).fill(Promise.resolve());
  let waiting = 0;
  let next = 0;

  /** @type {(...mail: Parameters<SendLetter>) => Promise<void>} */
  const deliver = async (email, kind, link, language) => {
    for (const rule of RECIPIENT_RULES) {
      const { allowed } = await limits.consume(`mail|${rule.window}|${email.toLowerCase()}`, rule);
      if (!allowed) return log("warn", "a mail was not sent: its recipient has had too many", { kind });
    }
    next = (next + 1) % LANES;
    const sent = Promise.resolve(lanes[next]).then(() =>
      server.sendMail({ to: email, ...letter(kind, link, language) }),
    );
    lanes[next] = sent.catch(() => undefined);
    await sent;
  };

  return (...mail) => {
    if (waiting >= MAX_WAITING) return log("warn", "a mail was not sent: too many are waiting");
    waiting += 1;
    void deliver(...mail)
      .catch((error) => log("error", "a mail could not be sent", { error: reason(error) }))
      .finally(() => {
        waiting -= 1;
      });
  };
}

/**
 * The addresses of the page that mails lead to.
 * @param {{ publicOrigin: string, publicPath: string }} configuration
 */
export function links({ publicOrigin, publicPath }) {
  const base = publicOrigin + publicPath;
  return {
    /** @param {string} token */
    reset: (token) => `${base}/reset-password#token=${encodeURIComponent(token)}`,
    /** @param {string} token */
    confirm: (token) => `${base}/confirm-email#token=${encodeURIComponent(token)}`,
    signIn: () => `${base}/sign-in`,
  };
}
