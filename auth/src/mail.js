// How a link to choose a new password reaches a person: by mail where a server is configured; in development, where
// PUBLIC_URL names the loopback, in the log of this process. Elsewhere it reaches nobody, and the accounts say that there
// is no such thing.

import nodemailer from "nodemailer";
import { log, reason } from "./log.js";

const TIMEOUT_MS = 10_000;
export const RESET_LINK_LASTS_SECONDS = 3_600;

/** @typedef {(person: { email: string }, token: string, language: string | null | undefined) => void} SendResetLink */

/**
 * @param {import("./configuration.js").Configuration} configuration
 * @returns {SendResetLink | undefined}
 */
export function resetLinks(configuration) {
  const { publicOrigin, resetLinksInLog, smtpUrl, mailFrom } = configuration;
  /** @param {string} token */
  const link = (token) => `${publicOrigin}/reset-password?token=${encodeURIComponent(token)}`;
  if (smtpUrl) {
    const timeouts = { connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS };
    const server = nodemailer.createTransport({ url: smtpUrl, ...timeouts }, { from: mailFrom });
    // Not waited for: how long it takes would tell whether there is such an account.
    return ({ email }, token, language) =>
      void server
        .sendMail({ to: email, ...letter(link(token), language) })
        .catch((error) => log("error", "a mail could not be sent", { error: reason(error) }));
  }
  if (!resetLinksInLog) return undefined;
  return (_, token) => log("info", "a password may be chosen anew", { link: link(token) });
}

/**
 * @param {string} link
 * @param {string | null | undefined} language
 */
function letter(link, language) {
  const isGerman = language?.trim().toLowerCase().startsWith("de");
  return isGerman
    ? {
        subject: "Colloquy: neues Passwort wählen",
        text: `Mit diesem Link können Sie ein neues Passwort wählen. Er gilt eine Stunde:\n\n${link}\n\nHaben Sie das nicht gewünscht, ist nichts zu tun.\n`,
      }
    : {
        subject: "Colloquy: choose a new password",
        text: `With this link you can choose a new password. It is good for one hour:\n\n${link}\n\nIf you did not ask for it, there is nothing to do.\n`,
      };
}
