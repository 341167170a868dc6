// Passwords that are forgotten and addresses that are to be verified: what needs a mail, and what goes without.

import { randomBytes } from "node:crypto";
import { CONFIRMATION_LINK_LASTS_SECONDS, RESET_LINK_LASTS_SECONDS } from "./letters.js";
import { log, reason } from "./log.js";
import { createMail, links } from "./mail.js";

/**
 * With a mail server addresses are verified before the first sign-in, and every answer to a sign-up is the same.
 * Without one, links to choose a password may be in the log, and there is no verification.
 *
 * @param {import("./configuration.js").Configuration} configuration
 * @param {import("pg").Pool} pool
 * @param {import("./limits.js").Limits} limits
 * @param {() => Promise<void>} promote
 */
export function passwordsAndMail(configuration, pool, limits, promote) {
  const emailAndPassword = { enabled: true, disableSignUp: configuration.signUp === "closed" };
  const resets = {
    resetPasswordTokenExpiresIn: RESET_LINK_LASTS_SECONDS,
    // Whoever knew the old password may hold one.
    revokeSessionsOnPasswordReset: true,
  };
  const send = createMail(configuration, limits);
  const to = links(configuration);
  if (!send) {
    if (!configuration.linksInLog) return { emailAndPassword };
    /** @param {{ token: string }} asked */
    const sendResetPassword = async ({ token }) =>
      log("info", "a password may be chosen anew", { link: to.reset(token) });
    return { emailAndPassword: { ...emailAndPassword, ...resets, sendResetPassword } };
  }
  return /** @satisfies {Partial<import("better-auth").BetterAuthOptions>} */ ({
    emailAndPassword: {
      ...emailAndPassword,
      ...resets,
      requireEmailVerification: true,
      // The answer to a sign-up with an address that is taken has the fields of one that is not.
      customSyntheticUser: ({ coreFields, additionalFields, id }) => ({
        ...coreFields,
        role: "user",
        banned: false,
        banReason: null,
        banExpires: null,
        ...additionalFields,
        id,
      }),
      sendResetPassword: async ({ user, token }, request) =>
        send(user.email, "reset", to.reset(token), languageOf(request)),
      // The link came by mail.
      onPasswordReset: async ({ user }) => {
        const verified = `UPDATE ${configuration.schema}."user" SET "emailVerified" = true WHERE email = $1`;
        await pool.query(verified, [user.email]);
        await promote();
      },
      onExistingUserSignUp: async ({ user }, request) => {
        const language = languageOf(request);
        if (user.emailVerified) return send(user.email, "taken", to.signIn(), language);
        // Not a link to confirm: the password of the account may be that of somebody else. Not waited for, either.
        resetToken(pool, configuration.schema, user.id).then(
          (token) => send(user.email, "unfinished", to.reset(token), language),
          (error) => log("error", "a mail could not be written", { error: reason(error) }),
        );
      },
    },
    emailVerification: {
      expiresIn: CONFIRMATION_LINK_LASTS_SECONDS,
      sendOnSignUp: true,
      sendOnSignIn: true,
      sendVerificationEmail: async ({ user, token }, request) =>
        send(user.email, "confirm", to.confirm(token), languageOf(request)),
    },
  });
}

/** @param {Request} [request] */
function languageOf(request) {
  return request?.headers.get("accept-language");
}

/**
 * A token by which the password of a user can be chosen, as Better Auth makes them.
 * @param {import("pg").Pool} pool @param {string} schema @param {string} user
 */
async function resetToken(pool, schema, user) {
  const token = randomBytes(18).toString("base64url");
  await pool.query(
    `INSERT INTO ${schema}.verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt")
     VALUES (gen_random_uuid(), $1, $2, now() + make_interval(secs => $3), now(), now())`,
    [`reset-password:${token}`, user, RESET_LINK_LASTS_SECONDS],
  );
  return token;
}
