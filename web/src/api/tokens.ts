// The API token of the session. Every request to the API takes it from here.

import { addressOf } from "./basePath";
import { parseJson } from "./json";
import { problemFrom, SignedOut } from "./problem";
import { TokenSource } from "./tokenSource";

/** Body of `GET /api/auth/token`, as the account service defines it. */
interface TokenResponse {
  token: string;
}

export const tokens = new TokenSource(async () => {
  const response = await fetch(addressOf("/api/auth/token"), { credentials: "same-origin" });
  if (response.status === 401) throw new SignedOut();
  if (!response.ok) throw await problemFrom(response);
  return parseJson<TokenResponse>(await response.text()).token;
});
