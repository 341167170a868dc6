// Pages of other origins (CORS_ORIGINS). They sign in with bearer tokens; cookies are not offered to them.

const METHODS = "GET, POST";
const HEADERS = "authorization, content-type";
const EXPOSED = "set-auth-token, retry-after, etag, x-trace-id";
const PREFLIGHT_MAX_AGE_SECONDS = 600;

/**
 * The answer to a preflight request; `undefined` for every other request.
 * @param {import("node:http").IncomingMessage} incoming
 */
export function preflight(incoming) {
  const { method, headers } = incoming;
  if (method !== "OPTIONS" || !headers.origin || !headers["access-control-request-method"]) return undefined;
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": METHODS,
      "access-control-allow-headers": HEADERS,
      "access-control-max-age": String(PREFLIGHT_MAX_AGE_SECONDS),
    },
  });
}

/**
 * Lets a page of an allowed origin read the response. Other origins get no permission, whatever the response is.
 * @param {import("node:http").ServerResponse} outgoing
 * @param {string | undefined} origin
 * @param {string[]} allowed
 */
export function permit(outgoing, origin, allowed) {
  if (allowed.length === 0) return;
  outgoing.appendHeader("vary", "origin");
  if (!origin || !allowed.includes(origin)) return;
  outgoing.setHeader("access-control-allow-origin", origin);
  outgoing.setHeader("access-control-expose-headers", EXPOSED);
}
