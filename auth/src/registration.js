// Who may create an account (SIGN_UP, ALLOWED_EMAIL_DOMAINS, invitations), and who becomes the first administrator
// (ADMIN_EMAIL). Every answer here depends on the configuration and on what the person sends, never on whether the
// address has an account.

import { APIError } from "better-auth/api";
import { consumeInvitation, findInvitation } from "./invitations.js";

/** @typedef {import("./configuration.js").Configuration} Configuration */
/** @typedef {import("./invitations.js").Verifications & { countTotalUsers: CountUsers }} Users */
/** @typedef {(where?: { field: string, value: string }[]) => Promise<number>} CountUsers */

/**
 * Refuses a sign-up that the configuration does not allow. Changes nothing.
 *
 * @param {Configuration} configuration
 * @param {Users} users
 * @param {{ email?: unknown, invitation?: unknown }} body
 */
export async function checkSignUp(configuration, users, { email, invitation }) {
  const { signUp, smtpUrl, adminEmail, emailDomains } = configuration;
  if (signUp === "closed") throw refused("SIGN_UP_CLOSED", "Nobody can sign up here.");
  if (typeof email !== "string") return;
  const address = email.toLowerCase();
  if (invitation) {
    if (!(await findInvitation(users, invitation, address))) throw invalidInvitation();
  } else if (signUp === "invite") {
    throw refused("INVITATION_REQUIRED", "An invitation is needed to sign up.");
  } else if (address === adminEmail && !smtpUrl) {
    // Without mail nobody shows that an address is theirs, and another person could take the administrator's.
    throw refused("INVITATION_REQUIRED", "An invitation is needed to sign up with this address.");
  } else if (emailDomains.length > 0 && !emailDomains.includes(address.slice(address.lastIndexOf("@") + 1))) {
    throw refused("EMAIL_DOMAIN_NOT_ALLOWED", "Addresses of this domain cannot sign up here.");
  }
}

/**
 * The role of a new account. Uses up its invitation, in the transaction that creates the account.
 *
 * @param {Configuration} configuration
 * @param {Users} users
 * @param {string} email
 * @param {unknown} invitation
 */
export async function roleAtSignUp(configuration, users, email, invitation) {
  if (!invitation) return "user";
  const invited = await consumeInvitation(users, invitation, email);
  if (!invited) throw invalidInvitation();
  if (email.toLowerCase() !== configuration.adminEmail) return invited.role;
  return (await users.countTotalUsers([{ field: "role", value: "admin" }])) === 0 ? "admin" : invited.role;
}

/**
 * A statement that makes the account with ADMIN_EMAIL an administrator: once its address is verified, and while
 * there is no administrator.
 * @param {string} schema
 */
function promotion(schema) {
  return `UPDATE ${schema}."user" SET role = 'admin'
           WHERE email = $1 AND "emailVerified" AND NOT EXISTS (SELECT FROM ${schema}."user" u WHERE u.role = 'admin')`;
}

/**
 * @param {Configuration} configuration
 * @param {import("pg").Pool} pool
 */
export async function promoteFirstAdministrator({ adminEmail, schema }, pool) {
  if (adminEmail) await pool.query(promotion(schema), [adminEmail]);
}

/**
 * What the configuration allows, for the page.
 * @param {Configuration} configuration
 */
export function offers({ signUp, smtpUrl, linksInLog }) {
  return { signUp, verifiesEmail: Boolean(smtpUrl), resetsPasswords: Boolean(smtpUrl) || linksInLog };
}

// Not 403: with verification of addresses Better Auth answers a sign-up that it refuses so as if it were accepted.
function invalidInvitation() {
  const message = "The invitation is for another address, has been used, or has expired.";
  return new APIError("BAD_REQUEST", { code: "INVITATION_INVALID", message });
}

/** @param {string} code @param {string} message */
function refused(code, message) {
  return new APIError("FORBIDDEN", { code, message });
}
