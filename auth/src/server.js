// HTTP around the accounts: bodies bounded, outages told apart from refusals, nothing that throws ends the process.

import { createServer } from "node:http";
import { BASE_PATH, CLIENT_ADDRESS_HEADER } from "./accounts.js";
import { clientAddress } from "./clientAddress.js";
import { permit, preflight } from "./cors.js";
import { log, reason } from "./log.js";

const MAX_BODY_BYTES = 64 * 1024;
const REQUEST_TIMEOUT_MS = 15_000;
const RETRY_AFTER_SECONDS = 2;
/** Longer than the proxy in front keeps an idle connection, so that it never sends on one that is just being closed. */
const KEEP_ALIVE_MS = 120_000;
/** These never leave a proxy, and `Request` refuses some of them. */
const HOP_HEADERS = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "host"]);
/** What proxies say of a client is read here and goes no further. */
const PROXY_HEADERS = /^(x-forwarded-|forwarded$)/;

class BodyTooLarge extends Error {}

/**
 * @typedef {object} Service
 * @property {import("./accounts.js").Accounts} accounts
 * @property {import("./database.js").Database} database
 * @property {import("./configuration.js").Configuration} configuration
 * @property {() => boolean} prepared Whether the tables are there.
 */

/**
 * @param {Service} service
 * @returns {import("node:http").Server}
 */
export function createAccountServer(service) {
  const timeouts = { requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS };
  return createServer(timeouts, (incoming, outgoing) => {
    respond(service, incoming)
      .catch(failure)
      .then((response) => {
        permit(outgoing, incoming.headers.origin, service.configuration.corsOrigins);
        return send(response, outgoing);
      })
      .catch((error) => {
        log("warn", "could not answer", { error: reason(error) });
        outgoing.destroy();
      });
  });
}

/**
 * @param {Service} service
 * @param {import("node:http").IncomingMessage} incoming
 * @returns {Promise<Response>}
 */
async function respond(service, incoming) {
  const path = withoutPublicPath(incoming.url ?? "/", service.configuration.publicPath);
  const preflighted = preflight(incoming);
  if (preflighted) return preflighted;
  if (!service.prepared()) return unavailable();
  if (incoming.method === "GET" && path === `${BASE_PATH}/ok`) {
    return (await service.database.answers()) ? Response.json({ ok: true }) : unavailable();
  }
  const startedAt = Date.now();
  try {
    const response = await service.accounts.handler(await toRequest(service.configuration, path, incoming));
    if (await hidesOutage(response, service.database, startedAt)) return unavailable();
    if (response.status >= 500) log("error", "a request failed", { status: response.status });
    return withRetryAfter(response);
  } catch (error) {
    if (error instanceof BodyTooLarge || (await service.database.answers())) throw error;
    return unavailable();
  }
}

/**
 * With Postgres away Better Auth answers 500, or a 401 that would sign people out. Both mean "try again".
 * @param {Response} response
 * @param {import("./database.js").Database} database
 * @param {number} startedAt
 */
async function hidesOutage(response, database, startedAt) {
  if (response.status !== 401 && response.status < 500) return false;
  return database.lastFailureAt() >= startedAt || !(await database.answers());
}

/**
 * Clients look for the standard header; Better Auth sends one of its own name.
 * @param {Response} response
 */
function withRetryAfter(response) {
  const seconds = response.headers.get("x-retry-after");
  if (response.status === 429 && seconds) response.headers.set("retry-after", seconds);
  return response;
}

/** @param {unknown} error */
function failure(error) {
  if (error instanceof BodyTooLarge) {
    return Response.json({ code: "BODY_TOO_LARGE", message: "The request is too large." }, { status: 413 });
  }
  log("error", "a request failed", { error: reason(error) });
  return Response.json({ code: "INTERNAL_ERROR", message: "Something went wrong." }, { status: 500 });
}

function unavailable() {
  return Response.json(
    { code: "UNAVAILABLE", message: "Accounts are unavailable for a moment. Please try again." },
    { status: 503, headers: { "retry-after": String(RETRY_AFTER_SECONDS) } },
  );
}

/**
 * A proxy may pass the path of the page on or leave it out.
 * @param {string} path @param {string} publicPath
 */
function withoutPublicPath(path, publicPath) {
  return path.startsWith(`${publicPath}/`) ? path.slice(publicPath.length) : path;
}

/**
 * @param {import("./configuration.js").Configuration} configuration
 * @param {string} path
 * @param {import("node:http").IncomingMessage} incoming
 */
async function toRequest({ publicOrigin, publicPath, trustedProxies }, path, incoming) {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value === undefined || HOP_HEADERS.has(name) || PROXY_HEADERS.test(name)) continue;
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  const { socket } = incoming;
  const address = clientAddress(socket.remoteAddress, incoming.headers["x-forwarded-for"], trustedProxies);
  if (address) headers.set(CLIENT_ADDRESS_HEADER, address);
  else headers.delete(CLIENT_ADDRESS_HEADER);
  const method = incoming.method ?? "GET";
  const body = method === "GET" || method === "HEAD" ? undefined : await readBody(incoming);
  return new Request(`${publicOrigin}${publicPath}${path}`, { method, headers, ...(body && { body }) });
}

/** @param {import("node:http").IncomingMessage} incoming */
async function readBody(incoming) {
  /** @type {Buffer[]} */
  const chunks = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return size > 0 ? new Uint8Array(Buffer.concat(chunks)) : undefined;
}

/**
 * @param {Response} response
 * @param {import("node:http").ServerResponse} outgoing
 */
async function send(response, outgoing) {
  const body = Buffer.from(await response.arrayBuffer());
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) if (name !== "set-cookie") outgoing.setHeader(name, value);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
  if (!response.headers.has("cache-control")) outgoing.setHeader("cache-control", "no-store");
  outgoing.end(body);
}
