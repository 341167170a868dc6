// What an account is here: e-mail and password, three roles, sessions in cookies or as signed bearer tokens, and short
// JSON Web Tokens for the API. Where an option differs from Better Auth's default, a comment says why.

import { betterAuth } from "better-auth";
import { APIError, createAuthMiddleware } from "better-auth/api";
import { admin, bearer, jwt } from "better-auth/plugins";
import { adminAc, userAc } from "better-auth/plugins/admin/access";
import { PostgresDialect } from "kysely";
import { checkUser } from "./bounds.js";
import { factWriter } from "./facts.js";
import { log, reason } from "./log.js";
import { RESET_LINK_LASTS_SECONDS, resetLinks } from "./mail.js";
import { createRateLimitStore } from "./rateLimitStore.js";

/** Set, and overwritten, by the proxy in front; requests without it share one bucket of the rate limits. */
export const CLIENT_ADDRESS_HEADER = "x-colloquy-client-ip";
export const BASE_PATH = "/api/auth";

const TOKEN_LIFETIME = "15m";
const DAY_SECONDS = 86_400;

/**
 * Routes that change accounts without an event of the service. Roles, bans and the ends of other users' sessions are
 * commands of the service, and its erasure deletes accounts, because it reaches every store. The remaining routes of
 * the admin plugin only read.
 */
const DISABLED_PATHS = [
  "set-role",
  "create-user",
  "update-user",
  "set-user-password",
  "ban-user",
  "unban-user",
  "list-user-sessions",
  "revoke-user-session",
  "revoke-user-sessions",
  "impersonate-user",
  "stop-impersonating",
  "remove-user",
].map((name) => `/admin/${name}`);

/** @typedef {ReturnType<typeof createAccounts>} Accounts */

/**
 * @param {import("./configuration.js").Configuration} configuration
 * @param {import("pg").Pool} pool
 */
export function createAccounts(configuration, pool) {
  return betterAuth(accountOptions(configuration, pool));
}

/**
 * @param {import("./configuration.js").Configuration} configuration
 * @param {import("pg").Pool} pool
 */
function accountOptions(configuration, pool) {
  return /** @satisfies {import("better-auth").BetterAuthOptions} */ ({
    appName: "Colloquy",
    // The public origin, not this process's address: POSTs with cookies are refused when `Origin` is another.
    baseURL: configuration.publicOrigin,
    basePath: BASE_PATH,
    trustedOrigins: loopbackAliases(configuration.publicOrigin),
    secret: configuration.secret,
    // The schema is named in every statement rather than set as search_path, which a transaction pooler would lose.
    database: {
      dialect: new PostgresDialect({ pool }),
      type: "postgres",
      schemaName: configuration.schema,
      transaction: true,
    },
    emailAndPassword: { enabled: true, ...resets(configuration) },
    // With the cookie cache a revoked session would go on minting tokens.
    session: { cookieCache: { enabled: false } },
    rateLimit: rateLimits(configuration),
    advanced: {
      cookiePrefix: "colloquy",
      useSecureCookies: configuration.publicOrigin.startsWith("https:"),
      database: { generateId: "uuid" },
      ipAddress: { ipAddressHeaders: [CLIENT_ADDRESS_HEADER] },
    },
    disabledPaths: DISABLED_PATHS,
    ...records(configuration, pool),
    plugins: [tokens(configuration), bearer({ requireSignature: true }), roles()],
    logger: { level: "warn", log: writeLog },
    // Else the router prints whole errors, with what the database quotes in them, before anyone can stop it.
    onAPIError: { throw: true },
    telemetry: { enabled: false },
  });
}

/** @param {import("./configuration.js").Configuration} configuration */
function resets(configuration) {
  const send = resetLinks(configuration);
  if (!send) return {};
  return {
    resetPasswordTokenExpiresIn: RESET_LINK_LASTS_SECONDS,
    // Whoever knew the old password may hold one.
    revokeSessionsOnPasswordReset: true,
    /** @param {{ user: { email: string }, token: string }} asked @param {Request} [request] */
    sendResetPassword: async ({ user, token }, request) => send(user, token, request?.headers.get("accept-language")),
  };
}

/**
 * Bounds of users, and the facts that no trigger of the database sees.
 * @param {import("./configuration.js").Configuration} configuration
 * @param {import("pg").Pool} pool
 */
function records(configuration, pool) {
  const facts = factWriter(pool, configuration.schema);
  return /** @satisfies {Partial<import("better-auth").BetterAuthOptions>} */ ({
    databaseHooks: {
      user: {
        create: { before: async (user) => checkUser(user) },
        update: { before: async (user) => checkUser(user) },
      },
      session: {
        delete: {
          before: async (session, context) => {
            if (context?.path === "/sign-out") await facts.signingOut(session.id);
          },
        },
      },
    },
    hooks: {
      after: createAuthMiddleware(async ({ path, body, context }) => {
        const isRefused = context.returned instanceof APIError && [401, 403].includes(context.returned.statusCode);
        // Not waited for: how long it takes would tell whether there is such an account.
        if (path === "/sign-in/email" && isRefused) void facts.signInRefused(String(body?.email));
      }),
    },
  });
}

/** @param {import("./configuration.js").Configuration} configuration */
function tokens(configuration) {
  return jwt({
    jwt: {
      issuer: configuration.issuer,
      audience: configuration.audience,
      expirationTime: TOKEN_LIFETIME,
      // `sub` is the user's id. Nothing else about the person travels in a token.
      definePayload: ({ user, session }) => ({
        role: user.role || "user",
        sid: session.id,
        email_verified: user.emailVerified,
      }),
    },
    jwks: {
      keyPairConfig: { alg: "EdDSA", crv: "Ed25519" },
      rotationInterval: 30 * DAY_SECONDS,
      // How long a retired key is still published: far longer than its last token lives.
      gracePeriod: DAY_SECONDS,
    },
    // Tokens are asked for at /token; a header on every session look-up would mint them for nothing.
    disableSettingJwtHeader: true,
  });
}

function roles() {
  return admin({
    roles: { user: userAc, auditor: userAc, admin: adminAc },
    defaultRole: "user",
    adminRoles: ["admin"],
  });
}

/**
 * Per client address and path. A password check costs some 70 ms of processor, so signing in is the tight one.
 * @param {import("./configuration.js").Configuration} configuration
 */
function rateLimits(configuration) {
  return /** @satisfies {import("better-auth").BetterAuthRateLimitOptions} */ ({
    enabled: configuration.rateLimited,
    customStorage: createRateLimitStore(),
    window: 10,
    max: 100,
    customRules: {
      "/sign-in/*": { window: 60, max: 20 },
      "/sign-up/*": { window: 60, max: 20 },
      "/request-password-reset": { window: 60, max: 5 },
      // The service asks these for everybody, from one address.
      "/get-session": false,
      "/jwks": false,
    },
  });
}

/**
 * A page opened as 127.0.0.1 where localhost was configured is the same page.
 * @param {string} origin
 */
function loopbackAliases(origin) {
  const names = ["localhost", "127.0.0.1", "[::1]"];
  const url = new URL(origin);
  if (!names.includes(url.hostname)) return [origin];
  const port = url.port && `:${url.port}`;
  return names.map((name) => `${url.protocol}//${name}${port}`);
}

/**
 * Better Auth's arguments may hold addresses of people; only an error's own message is kept of them.
 * @param {"debug" | "info" | "success" | "warn" | "error"} level
 * @param {string} message
 * @param {unknown[]} details
 */
function writeLog(level, message, ...details) {
  const error = details.find((detail) => detail instanceof Error);
  log(level === "error" || level === "warn" ? level : "info", message, error ? { error: reason(error) } : {});
}
