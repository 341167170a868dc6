// What happens before and after Better Auth's own routes: who may sign up, attempts per account, passwords known from
// breaches, facts that no trigger of the database sees, and answers of even length.

import { APIError, createAuthMiddleware, getIP } from "better-auth/api";
import { untilWholeStep } from "./answerTime.js";
import { refuseBreachedPassword } from "./breachedPasswords.js";
import { checkSignUp } from "./registration.js";

/** Answers of these routes with mail say the same for addresses with and without an account. */
const EVEN_PATHS = new Set(["/sign-up/email", "/request-password-reset", "/send-verification-email"]);
/** Its token would be in the address, and so in the logs of every proxy. The page sends it in a body. */
const TOKEN_IN_ADDRESS = "/reset-password/:token";

/**
 * @typedef {object} Services
 * @property {import("./configuration.js").Configuration} configuration
 * @property {import("./attempts.js").Attempts} attempts
 * @property {ReturnType<typeof import("./facts.js").factWriter>} facts
 */

/** @param {Services} services */
export function accountHooks({ configuration, attempts, facts }) {
  /** @type {WeakMap<Request, { startedAt: number, attempt: string }>} */
  const begun = new WeakMap();
  return {
    before: createAuthMiddleware(async ({ path, body, request, context }) => {
      const startedAt = performance.now();
      if (path === TOKEN_IN_ADDRESS) throw new APIError("NOT_FOUND");
      if (path === "/sign-up/email") await checkSignUp(configuration, context.internalAdapter, body ?? {});
      await refuseBreachedPassword(configuration.breachedPasswordsUrl, path, body);
      const isAttempt = path === "/sign-in/email" && request && typeof body?.email === "string";
      const attempt = isAttempt ? await attempts.begin(body.email, getIP(request, context.options)) : "";
      if (request) begun.set(request, { startedAt, attempt });
    }),
    after: createAuthMiddleware(async ({ path, body, request, context }) => {
      const { startedAt = performance.now(), attempt = "" } = (request && begun.get(request)) ?? {};
      const isRefused = context.returned instanceof APIError && [401, 403].includes(context.returned.statusCode);
      // Not waited for: how long it takes would tell whether there is such an account.
      if (path === "/sign-in/email" && isRefused) void facts.signInRefused(String(body?.email));
      const { newSession } = context;
      if (newSession && request) {
        await attempts.succeeded(newSession.user.email, getIP(request, context.options), attempt);
      }
      if (EVEN_PATHS.has(path) && configuration.smtpUrl) await untilWholeStep(startedAt);
    }),
  };
}
