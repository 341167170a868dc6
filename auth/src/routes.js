// The routes beside Better Auth's: what the configuration offers, and the confirmation of an e-mail address.

import { APIError, createAuthEndpoint, formCsrfMiddleware, getIP } from "better-auth/api";
import { setSessionCookie } from "better-auth/cookies";
import { verifyJWT } from "better-auth/crypto";
import { offers } from "./registration.js";

const MAX_FIELD_LENGTH = 2_048;

/**
 * @param {import("./configuration.js").Configuration} configuration
 * @param {import("./attempts.js").Attempts} attempts
 * @param {() => Promise<void>} onConfirmed Called when an address was confirmed, before the person is signed in.
 */
export function ownRoutes(configuration, attempts, onConfirmed) {
  return /** @satisfies {import("better-auth").BetterAuthPlugin} */ ({
    id: "colloquy",
    endpoints: {
      accountOffers: createAuthEndpoint("/offers", { method: "GET" }, async (context) =>
        context.json(offers(configuration)),
      ),
      confirmEmail: confirmEmail(attempts, onConfirmed),
    },
  });
}

/**
 * Confirms the address of an account by the token that was mailed to it, and signs in. The password is needed, too:
 * else somebody who signs up with another person's address would get an account that this person confirms.
 *
 * @param {import("./attempts.js").Attempts} attempts
 * @param {() => Promise<void>} onConfirmed
 */
function confirmEmail(attempts, onConfirmed) {
  return createAuthEndpoint("/confirm-email", { method: "POST", use: [formCsrfMiddleware] }, async (ctx) => {
    const { token, password } = ctx.body ?? {};
    const claims = isField(token) ? await verifyJWT(token, ctx.context.secret) : null;
    const { email, userId, updateTo } = claims ?? {};
    if (typeof email !== "string" || typeof userId !== "string" || updateTo !== undefined) throw invalidToken();
    const address = ctx.request ? getIP(ctx.request, ctx.context.options) : null;
    const attempt = await attempts.begin(email, address);
    const { internalAdapter, password: passwords } = ctx.context;
    const found = await internalAdapter.findUserByEmail(email, { includeAccounts: true });
    if (!found || found.user.id !== userId) throw invalidToken();
    const hash = found.accounts.find(({ providerId }) => providerId === "credential")?.password;
    if (!hash || !isField(password) || !(await passwords.verify({ hash, password }))) throw wrongPassword();
    if (!found.user.emailVerified) {
      await internalAdapter.updateUser(userId, { emailVerified: true });
      await onConfirmed();
    }
    const session = await internalAdapter.createSession(userId);
    const user = await internalAdapter.findUserById(userId);
    if (!session || !user) throw invalidToken();
    await setSessionCookie(ctx, { session, user });
    await attempts.succeeded(email, address, attempt);
    return ctx.json({ status: true });
  });
}

/**
 * @param {unknown} value
 * @returns {value is string}
 */
function isField(value) {
  return typeof value === "string" && value !== "" && value.length <= MAX_FIELD_LENGTH;
}

function invalidToken() {
  const message = "The link is invalid or has expired.";
  return new APIError("BAD_REQUEST", { code: "INVALID_TOKEN", message });
}

function wrongPassword() {
  const message = "Invalid email or password";
  return new APIError("UNAUTHORIZED", { code: "INVALID_EMAIL_OR_PASSWORD", message });
}
