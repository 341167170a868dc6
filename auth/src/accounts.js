// What an account is here: e-mail and password, three roles, sessions in cookies or as signed bearer tokens, and short
// JSON Web Tokens for the API. Where an option differs from Better Auth's default, a comment says why.

import { betterAuth } from "better-auth";
import { admin, bearer, jwt } from "better-auth/plugins";
import { adminAc, userAc } from "better-auth/plugins/admin/access";
import { PostgresDialect } from "kysely";
import { createAttempts } from "./attempts.js";
import { checkUser } from "./bounds.js";
import { factWriter } from "./facts.js";
import { accountHooks } from "./hooks.js";
import { createLimits } from "./limits.js";
import { log, reason } from "./log.js";
import { passwordsAndMail } from "./passwords.js";
import { promoteFirstAdministrator, roleAtSignUp } from "./registration.js";
import { ownRoutes } from "./routes.js";

/** Set, and overwritten, by the HTTP server of this process; requests without it share one bucket of the rate limits. */
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
/** Replaced by `/confirm-email`: its token would be in an address, and so in the logs of proxies. */
const REPLACED_PATH = "/verify-email";

/** The limit of routes without one of their own. They share a count for each address. */
const GENERAL_LIMIT = { window: 10, max: 300 };

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
  const limits = createLimits(pool, configuration);
  const attempts = createAttempts(limits, configuration.rateLimited);
  const facts = factWriter(pool, configuration.schema);
  const promote = () => promoteFirstAdministrator(configuration, pool);
  return /** @satisfies {import("better-auth").BetterAuthOptions} */ ({
    appName: "Colloquy",
    // The public origin, not this process's address: POSTs with cookies are refused when `Origin` is another.
    baseURL: configuration.publicOrigin,
    basePath: configuration.publicPath + BASE_PATH,
    trustedOrigins: [...loopbackAliases(configuration.publicOrigin), ...configuration.corsOrigins],
    secret: configuration.secret,
    // The schema is named in every statement rather than set as search_path, which a transaction pooler would lose.
    database: {
      dialect: new PostgresDialect({ pool }),
      type: "postgres",
      schemaName: configuration.schema,
      transaction: true,
    },
    ...passwordsAndMail(configuration, pool, limits, promote),
    // With the cookie cache a revoked session would go on minting tokens.
    session: { cookieCache: { enabled: false } },
    rateLimit: rateLimits(configuration, limits),
    advanced: {
      cookiePrefix: "colloquy",
      useSecureCookies: configuration.publicOrigin.startsWith("https:"),
      defaultCookieAttributes: { path: configuration.publicPath || "/" },
      database: { generateId: "uuid" },
      ipAddress: { ipAddressHeaders: [CLIENT_ADDRESS_HEADER] },
    },
    disabledPaths: [...DISABLED_PATHS, REPLACED_PATH],
    hooks: accountHooks({ configuration, attempts, facts }),
    databaseHooks: databaseHooks(configuration, facts),
    plugins: [
      tokens(configuration),
      bearer({ requireSignature: true }),
      roles(),
      ownRoutes(configuration, attempts, promote),
    ],
    logger: { level: "warn", log: writeLog },
    // Else the router prints whole errors, with what the database quotes in them, before anyone can stop it.
    onAPIError: { throw: true },
    telemetry: { enabled: false },
  });
}

/**
 * Bounds of users, roles by invitation, and sign-outs, which a trigger could not tell from revocations.
 * @param {import("./configuration.js").Configuration} configuration
 * @param {ReturnType<typeof factWriter>} facts
 */
function databaseHooks(configuration, facts) {
  return /** @satisfies {import("better-auth").BetterAuthOptions["databaseHooks"]} */ ({
    user: {
      create: {
        before: async (user, context) => {
          checkUser(user);
          if (!context) return;
          const { internalAdapter } = context.context;
          const role = await roleAtSignUp(configuration, internalAdapter, user.email, context.body?.invitation);
          return { data: { role } };
        },
      },
      update: { before: async (user) => checkUser(user) },
    },
    session: {
      delete: {
        before: async (session, context) => {
          if (context?.path === "/sign-out") await facts.signingOut(session.id);
        },
      },
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
 * Per client address and route; an IPv6 network of 64 bits counts as one address. A password check costs some 70 ms
 * of processor, so signing in is the tight one.
 * @param {import("./configuration.js").Configuration} configuration
 * @param {import("./limits.js").Limits} limits
 */
function rateLimits(configuration, limits) {
  return /** @satisfies {import("better-auth").BetterAuthRateLimitOptions} */ ({
    enabled: configuration.rateLimited,
    customStorage: { consume: (key, rule) => limits.consume(`address|${bucketOf(key, rule)}`, rule) },
    ...GENERAL_LIMIT,
    customRules: {
      "/sign-in/*": { window: 60, max: 20 },
      "/sign-up/*": { window: 60, max: 20 },
      "/confirm-email": { window: 60, max: 20 },
      "/request-password-reset": { window: 60, max: 5 },
      "/send-verification-email": { window: 60, max: 5 },
      // The service asks these for everybody, from one address.
      "/get-session": false,
      "/jwks": false,
    },
  });
}

/**
 * Routes without a limit of their own share a count, and so do the paths below the first segment: paths that somebody
 * makes up are no more counts, and links of one kind, each with another token, are one.
 * @param {string} key Address and path. @param {{ window: number, max: number }} rule
 */
function bucketOf(key, { window, max }) {
  const [address, path = ""] = key.split("|");
  if (window === GENERAL_LIMIT.window && max === GENERAL_LIMIT.max) return address;
  return `${address}|${path.split("/")[1]}`;
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
