// Reads single values of the environment. Each reader ends the start with one clear line if a value is wrong.

import { readFileSync } from "node:fs";
import { BlockList, isIP } from "node:net";

/** A setting that is missing or wrong; the message is meant for the operator. */
export class ConfigurationError extends Error {}

/** A host name, from its first letter to its last. */
const DOMAIN = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/;

/**
 * A secret: the value of a variable, or the content of the file that NAME_FILE names. Empty if neither is set.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} name
 */
export function secretValue(env, name) {
  const file = env[`${name}_FILE`];
  if (!file) return env[name] ?? "";
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new ConfigurationError(`${name}_FILE ${file} cannot be read`, { cause });
  }
}

/**
 * The parts of a list that is separated by commas, without empty ones.
 * @param {string | undefined} value
 */
export function list(value) {
  return (value ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
}

/**
 * @param {string} name
 * @param {string} value
 */
export function httpUrl(name, value) {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new ConfigurationError(`${name} ${value} is not an http or https address`);
  }
  return url;
}

/**
 * Origins as browsers write them.
 * @param {string} name
 * @param {string | undefined} value
 */
export function origins(name, value) {
  return list(value).map((one) => {
    const url = httpUrl(name, one);
    if (url.pathname !== "/" || url.search || url.hash || url.username || one.includes("*")) {
      throw new ConfigurationError(`${name} ${one} is not an origin such as https://chat.example.org`);
    }
    return url.origin;
  });
}

/**
 * Networks in CIDR notation, and single addresses. Loopback is always among them.
 * @param {string} name
 * @param {string | undefined} value
 */
export function networks(name, value) {
  const listed = new BlockList();
  for (const one of ["127.0.0.0/8", "::1", ...list(value)]) {
    const [, address = "", prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(one) ?? [];
    const version = isIP(address);
    const longest = version === 6 ? 128 : 32;
    if (version === 0 || Number(prefix ?? longest) > longest) {
      throw new ConfigurationError(`${name} ${one} is not an address or a network such as 10.0.0.0/8`);
    }
    listed.addSubnet(address, Number(prefix ?? longest), version === 6 ? "ipv6" : "ipv4");
  }
  return listed;
}

/**
 * @param {string} name
 * @param {string | undefined} value
 */
export function domains(name, value) {
  return list(value).map((one) => {
    const domain = one.toLowerCase().replace(/^@/, "");
    if (!DOMAIN.test(domain)) throw new ConfigurationError(`${name} ${one} is not a domain such as example.org`);
    return domain;
  });
}

/**
 * @template {string} Choice
 * @param {string} name
 * @param {string} value
 * @param {readonly Choice[]} choices
 * @returns {Choice}
 */
export function oneOf(name, value, choices) {
  const found = choices.find((choice) => choice === value);
  if (!found) throw new ConfigurationError(`${name} must be ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`);
  return found;
}

/**
 * @param {string} address
 */
export function listenAddress(address) {
  const [, host, digits] = /^(.+):(\d{1,5})$/.exec(address) ?? [];
  const port = Number(digits);
  if (!host || !(port <= 65_535)) throw new ConfigurationError(`AUTH_LISTEN ${address} is not host:port`);
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port };
}
