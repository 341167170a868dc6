// Requests to the API. Each carries a token; a request whose token is refused is repeated once with
// a new one.

import createClient from "openapi-fetch";
import { addressOf, BASE_PATH } from "./basePath";
import { messageOf, Problem, problemFrom, SignedOut } from "./problem";
import { tokens } from "./tokens";
import type { ApiPaths } from "./types";

export const api = createClient<ApiPaths, "application/json">({ baseUrl: BASE_PATH, fetch: fetchWithToken });

/** For the paths that need no account. */
export const publicApi = createClient<ApiPaths, "application/json">({ baseUrl: BASE_PATH });

/** The data of a response. Throws a `Problem` for an error response. */
export async function unwrap<Data>(call: Promise<{ data?: Data; error?: unknown; response: Response }>): Promise<Data> {
  const { data, error, response } = await call;
  if (data === undefined || error !== undefined) {
    throw new Problem(response.status, messageOf(error), response.headers.get("retry-after"));
  }
  return data;
}

/**
 * Opens a stream of server-sent events. The token is sent in a header, so that no log of
 * addresses contains it.
 */
export async function openStream(
  path: string,
  lastEventId: string | undefined,
  signal: AbortSignal,
): Promise<Response> {
  const headers = new Headers({ accept: "text/event-stream" });
  if (lastEventId !== undefined) headers.set("last-event-id", lastEventId);
  const response = await fetchWithToken(new Request(addressOf(path), { headers, signal, cache: "no-store" }));
  if (!response.ok) throw await problemFrom(response);
  return response;
}

/** Fetches a file. Throws a `Problem` for an error response. */
export async function fetchFile(path: string, signal: AbortSignal): Promise<Blob> {
  const response = await fetchWithToken(new Request(addressOf(path), { signal }));
  if (!response.ok) throw await problemFrom(response);
  return response.blob();
}

/** Sends a request with a token. Repeats it with a new token if the first is refused. */
export async function fetchWithToken(request: Request): Promise<Response> {
  const token = await tokens.get();
  const first = await fetch(withToken(request.clone(), token));
  if (first.status !== 401) return first;
  tokens.reject(token);
  const second = await fetch(withToken(request, await tokens.get()));
  if (second.status === 401) throw new SignedOut();
  return second;
}

function withToken(request: Request, token: string): Request {
  request.headers.set("authorization", `Bearer ${token}`);
  return request;
}
