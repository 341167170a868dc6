// What the environment says, read once and checked, so that a wrong setting ends the start with one clear line
// and nothing further in has to ask again. Reads no other source than the environment and the files of secrets.

import {
  ConfigurationError,
  domains,
  httpUrl,
  listenAddress,
  networks,
  oneOf,
  origins,
  secretValue,
} from "./settings.js";

export { ConfigurationError };

/**
 * @typedef {object} Configuration
 * @property {string} databaseUrl Postgres; a transaction pooler will do.
 * @property {string} schema The Postgres schema that holds the accounts.
 * @property {string} secret Signs cookies and encrypts the private signing keys.
 * @property {string} publicOrigin Where people reach the page: scheme, host and port.
 * @property {string} publicPath The path of the page below the origin: empty, or "/colloquy".
 * @property {string[]} corsOrigins Other origins whose pages may use accounts.
 * @property {import("node:net").BlockList} trustedProxies Peers whose X-Forwarded-For counts.
 * @property {boolean} linksInLog Whether links to choose a new password may appear in the log.
 * @property {string} host
 * @property {number} port 0 takes a free one.
 * @property {string} issuer
 * @property {string} audience
 * @property {boolean} rateLimited
 * @property {SignUp} signUp Who may create an account.
 * @property {string[]} emailDomains Domains of addresses that may sign up without an invitation; empty for all.
 * @property {string} adminEmail The address that becomes the first administrator; empty for none.
 * @property {string} breachedPasswordsUrl Where ranges of breached passwords are; empty for no check.
 * @property {string} smtpUrl The mail server, with name and password; empty for none.
 * @property {string} mailFrom Whom mail is from.
 */

/** @typedef {typeof SIGN_UP[number]} SignUp */
const SIGN_UP = /** @type {const} */ (["open", "invite", "closed"]);

const SECRET_MIN_LENGTH = 32;

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Configuration}
 */
export function readConfiguration(env) {
  const databaseUrl = secretValue(env, "DATABASE_URL");
  if (!databaseUrl) throw new ConfigurationError("DATABASE_URL is not set");
  return {
    databaseUrl,
    schema: schemaName(env.AUTH_SCHEMA || "auth"),
    secret: secret(env),
    ...publicAddress(env.PUBLIC_URL || "http://localhost:8080"),
    corsOrigins: origins("CORS_ORIGINS", env.CORS_ORIGINS),
    trustedProxies: networks("TRUSTED_PROXIES", env.TRUSTED_PROXIES),
    linksInLog: isLoopback(env.PUBLIC_URL),
    ...listenAddress(env.AUTH_LISTEN || "127.0.0.1:4000"),
    issuer: env.AUTH_ISSUER || "colloquy",
    audience: env.AUTH_AUDIENCE || "colloquy",
    rateLimited: oneOf("AUTH_RATE_LIMIT", env.AUTH_RATE_LIMIT || "on", /** @type {const} */ (["on", "off"])) === "on",
    ...registration(env),
    ...mail(env),
  };
}

/** @param {NodeJS.ProcessEnv} env */
function secret(env) {
  const value = secretValue(env, "BETTER_AUTH_SECRET");
  if (!value) throw new ConfigurationError("BETTER_AUTH_SECRET (or BETTER_AUTH_SECRET_FILE) is not set");
  if (value.length < SECRET_MIN_LENGTH) {
    throw new ConfigurationError(`the secret has fewer than ${SECRET_MIN_LENGTH} characters`);
  }
  return value;
}

/** @param {NodeJS.ProcessEnv} env */
function registration(env) {
  const adminEmail = (env.ADMIN_EMAIL ?? "").trim().toLowerCase();
  if (adminEmail && !/^[^@\s]+@[^@\s]+$/.test(adminEmail)) {
    throw new ConfigurationError("ADMIN_EMAIL is not an e-mail address");
  }
  const breaches = env.BREACHED_PASSWORDS_URL ?? "";
  return {
    signUp: oneOf("SIGN_UP", env.SIGN_UP || "open", SIGN_UP),
    emailDomains: domains("ALLOWED_EMAIL_DOMAINS", env.ALLOWED_EMAIL_DOMAINS),
    adminEmail,
    breachedPasswordsUrl: breaches && httpUrl("BREACHED_PASSWORDS_URL", breaches).href.replace(/\/*$/, "/"),
  };
}

/** @param {NodeJS.ProcessEnv} env */
function mail(env) {
  const smtpUrl = secretValue(env, "SMTP_URL");
  const mailFrom = env.MAIL_FROM ?? "";
  if (!smtpUrl) return { smtpUrl, mailFrom };
  // The address itself is not repeated: it may hold a password.
  if (!/^smtps?:\/\//.test(smtpUrl) || !URL.canParse(smtpUrl)) {
    throw new ConfigurationError("SMTP_URL is not an smtp or smtps address");
  }
  if (!mailFrom) throw new ConfigurationError("MAIL_FROM is not set, but SMTP_URL is");
  return { smtpUrl, mailFrom };
}

/** @param {string} name */
function schemaName(name) {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) {
    throw new ConfigurationError(`AUTH_SCHEMA ${name} must be lower-case letters, digits and underscores`);
  }
  return name;
}

/** @param {string} address */
function publicAddress(address) {
  const url = httpUrl("PUBLIC_URL", address);
  return { publicOrigin: url.origin, publicPath: url.pathname.replace(/\/+$/, "") };
}

/**
 * An unset address says nothing about where people reach the page.
 * @param {string | undefined} url
 */
function isLoopback(url) {
  return Boolean(url) && ["localhost", "127.0.0.1", "[::1]"].includes(new URL(url ?? "").hostname);
}
