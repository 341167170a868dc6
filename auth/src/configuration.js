// What the environment says, read once and checked, so that a wrong setting ends the start with one clear line
// and nothing further in has to ask again. Reads no other source than the environment and the secret's file.

import { readFileSync } from "node:fs";

/**
 * @typedef {object} Configuration
 * @property {string} databaseUrl Postgres; a transaction pooler will do.
 * @property {string} schema The Postgres schema that holds the accounts.
 * @property {string} secret Signs cookies and encrypts the private signing keys.
 * @property {string} publicOrigin Where people reach the page: scheme, host and port.
 * @property {boolean} resetLinksInLog Whether links to choose a new password may appear in the log.
 * @property {string} host
 * @property {number} port 0 takes a free one.
 * @property {string} issuer
 * @property {string} audience
 * @property {boolean} rateLimited
 * @property {string} smtpUrl The mail server, with name and password; empty for none.
 * @property {string} mailFrom Whom mail is from.
 */

/** A setting that is missing or wrong; the message is meant for the operator. */
export class ConfigurationError extends Error {}

const SECRET_MIN_LENGTH = 32;

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Configuration}
 */
export function readConfiguration(env) {
  return {
    databaseUrl: required(env, "DATABASE_URL"),
    schema: schemaName(env.AUTH_SCHEMA || "auth"),
    secret: secret(env),
    publicOrigin: origin(env.PUBLIC_URL || "http://localhost:8080"),
    resetLinksInLog: isLoopback(env.PUBLIC_URL),
    ...listenAddress(env.AUTH_LISTEN || "127.0.0.1:4000"),
    issuer: env.AUTH_ISSUER || "colloquy",
    audience: env.AUTH_AUDIENCE || "colloquy",
    rateLimited: onOrOff("AUTH_RATE_LIMIT", env.AUTH_RATE_LIMIT || "on"),
    ...mail(env),
  };
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string} name
 */
function required(env, name) {
  const value = env[name];
  if (!value) throw new ConfigurationError(`${name} is not set`);
  return value;
}

/** @param {NodeJS.ProcessEnv} env */
function secret(env) {
  const file = env.BETTER_AUTH_SECRET_FILE;
  const value = file ? readSecret(file) : (env.BETTER_AUTH_SECRET ?? "");
  if (!value) throw new ConfigurationError("BETTER_AUTH_SECRET (or BETTER_AUTH_SECRET_FILE) is not set");
  if (value.length < SECRET_MIN_LENGTH) {
    throw new ConfigurationError(`the secret has fewer than ${SECRET_MIN_LENGTH} characters`);
  }
  return value;
}

/** @param {string} file */
function readSecret(file) {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new ConfigurationError(`BETTER_AUTH_SECRET_FILE ${file} cannot be read`, { cause });
  }
}

/** @param {NodeJS.ProcessEnv} env */
function mail(env) {
  const smtpUrl = env.SMTP_URL ?? "";
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

/** @param {string} url */
function origin(url) {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== "http:" && parsed?.protocol !== "https:") {
    throw new ConfigurationError(`PUBLIC_URL ${url} is not an http or https address`);
  }
  return parsed.origin;
}

/**
 * An unset address says nothing about where people reach the page.
 * @param {string | undefined} url
 */
function isLoopback(url) {
  return Boolean(url) && ["localhost", "127.0.0.1", "[::1]"].includes(new URL(url ?? "").hostname);
}

/** @param {string} address */
function listenAddress(address) {
  const [, host, digits] = /^(.+):(\d{1,5})$/.exec(address) ?? [];
  const port = Number(digits);
  if (!host || !(port <= 65_535)) throw new ConfigurationError(`AUTH_LISTEN ${address} is not host:port`);
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port };
}

/**
 * @param {string} name
 * @param {string} value
 */
function onOrOff(name, value) {
  if (value !== "on" && value !== "off") throw new ConfigurationError(`${name} must be on or off`);
  return value === "on";
}
