// Calls to the API, each with a token; a refused token is replaced once.

import createClient from "openapi-fetch";
import { tokens } from "../account/auth";
import { Problem, problemOf, SignedOut, saidBy } from "./problem";
import type { paths } from "./schema";

export const api = createClient<paths>({ baseUrl: "/", fetch: authorised });

/** The data of a call, or the problem thrown. */
export async function dataOf<Data>(call: Promise<{ data?: Data; error?: unknown; response: Response }>): Promise<Data> {
  const { data, error, response } = await call;
  if (data === undefined || error !== undefined) throw new Problem(response.status, saidBy(error));
  return data;
}

interface Ask {
  method?: "GET" | "DELETE" | "POST";
  query?: Record<string, string | number | undefined>;
  body?: FormData;
  signal?: AbortSignal;
}

/** The JSON of an address, or the problem thrown. Parameters that are empty are left out. */
export async function fetchData<Data>(path: string, { query = {}, ...init }: Ask = {}): Promise<Data> {
  const response = await fetchAnswer(path, { query, ...init });
  return (await response.json()) as Data;
}

/** The answer of an address as it comes, or the problem thrown. */
export async function fetchAnswer(path: string, { query = {}, ...init }: Ask = {}): Promise<Response> {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  const address = search.size > 0 ? `${path}?${search}` : path;
  const response = await authorised(new Request(address, init));
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** Opens a stream of server-sent events. The token goes in a header, never into the address. */
export async function openStream(
  path: string,
  lastEventId: string | undefined,
  signal: AbortSignal,
): Promise<Response> {
  const headers = new Headers({ accept: "text/event-stream" });
  if (lastEventId !== undefined) headers.set("last-event-id", lastEventId);
  const response = await authorised(new Request(path, { headers, signal, cache: "no-store" }));
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** A request with a token; sent once more with another one when the first is refused. */
export async function authorised(request: Request): Promise<Response> {
  const token = await tokens.get();
  const first = await fetch(withToken(request.clone(), token));
  if (first.status !== 401) return first;
  tokens.refused(token);
  const second = await fetch(withToken(request, await tokens.get()));
  if (second.status === 401) throw new SignedOut();
  return second;
}

function withToken(request: Request, token: string): Request {
  request.headers.set("authorization", `Bearer ${token}`);
  return request;
}
