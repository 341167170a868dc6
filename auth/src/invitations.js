// Invitations, which the service makes (`colloquy invite`, `POST /v1/invitations`): rows of the table `verification`
// with the hash of a code, the address that is invited, and the role that it gets. A code is good once and for a time.

import { createHash } from "node:crypto";

/** @typedef {{ email: string, role: string }} Invitation */
/**
 * What Better Auth offers of its table `verification`.
 * @typedef {object} Verifications
 * @property {(identifier: string) => Promise<{ value: string, expiresAt: Date } | null | undefined>} findVerificationValue
 * @property {(identifier: string) => Promise<{ value: string } | null>} consumeVerificationValue
 */

/** Longest code that is looked at; those of the service have 29 characters with their hyphens. */
const MAX_CODE_LENGTH = 64;

/**
 * The invitation with a code, if it is for the address and still good. It stays good.
 * @param {Verifications} verifications
 * @param {unknown} code @param {string} email
 */
export async function findInvitation(verifications, code, email) {
  const identifier = identifierOf(code);
  const found = identifier ? await verifications.findVerificationValue(identifier) : undefined;
  if (!found || found.expiresAt < new Date()) return undefined;
  return parse(found.value, email);
}

/**
 * Uses an invitation up, in the transaction of the caller.
 * @param {Verifications} verifications
 * @param {unknown} code @param {string} email
 */
export async function consumeInvitation(verifications, code, email) {
  const identifier = identifierOf(code);
  const consumed = identifier ? await verifications.consumeVerificationValue(identifier) : undefined;
  return consumed ? parse(consumed.value, email) : undefined;
}

/**
 * A code is also good in lower case and without its hyphens.
 * @param {unknown} code
 */
function identifierOf(code) {
  if (typeof code !== "string" || code.length > MAX_CODE_LENGTH) return undefined;
  const plain = code.toUpperCase().replaceAll(/[\s-]/g, "");
  return plain && `invitation:${createHash("sha256").update(plain).digest("hex")}`;
}

/**
 * @param {string} value @param {string} email
 * @returns {Invitation | undefined}
 */
function parse(value, email) {
  const { email: invited, role } = JSON.parse(value);
  if (typeof invited !== "string" || typeof role !== "string") return undefined;
  return invited.toLowerCase() === email.toLowerCase() ? { email: invited, role } : undefined;
}
