// Caches the API token in memory and renews it before it expires. Concurrent callers share one request.

import { parseJson } from "./json";
import type { UserRole } from "./types";

/** Requests a token with the session's cookie. Throws `SignedOut` if there is no session. */
export type FetchToken = () => Promise<string>;

/** A token is renewed this long before it expires. */
const RENEWAL_MARGIN_MS = 60_000;

interface Claims {
  sub: string;
  iat: number;
  exp: number;
  role: UserRole;
}

interface CachedToken {
  token: string;
  owner: string;
  /** Measured by this device's clock, which may differ from the server's. */
  expiresAt: number;
}

export class TokenSource {
  readonly #fetchToken: FetchToken;
  readonly #now: () => number;
  #cached: CachedToken | undefined;
  #pending: Promise<CachedToken> | undefined;
  /** Incremented by `clear`, so that a request sent before it does not fill the cache. */
  #generation = 0;

  /**
   * Called when a token belongs to another user than the one before: all data on the page is
   * the other user's.
   */
  onOwnerChanged: () => void = () => {};

  constructor(fetchToken: FetchToken, now: () => number = Date.now) {
    this.#fetchToken = fetchToken;
    this.#now = now;
  }

  async get(): Promise<string> {
    if (this.#cached && this.#cached.expiresAt - RENEWAL_MARGIN_MS > this.#now()) return this.#cached.token;
    this.#pending ??= this.#refresh(this.#generation);
    return (await this.#pending).token;
  }

  /** The user whom the token belongs to. */
  async owner(): Promise<string> {
    return claimsOf(await this.get()).sub;
  }

  /** Discards a token that the API refused. Has no effect if the cache holds another one already. */
  reject(token: string): void {
    if (this.#cached?.token === token) this.#cached = { ...this.#cached, expiresAt: 0 };
  }

  /** Discards the token and the result of any pending request. Called when the session ends. */
  clear(): void {
    this.#generation += 1;
    this.#cached = undefined;
    this.#pending = undefined;
  }

  async #refresh(generation: number): Promise<CachedToken> {
    try {
      const token = await this.#fetchToken();
      const { sub, iat, exp } = claimsOf(token);
      const fresh = { token, owner: sub, expiresAt: this.#now() + (exp - iat) * 1000 };
      if (generation !== this.#generation) return fresh;
      const previousOwner = this.#cached?.owner;
      this.#cached = fresh;
      if (previousOwner !== undefined && previousOwner !== sub) this.onOwnerChanged();
      return fresh;
    } finally {
      if (generation === this.#generation) this.#pending = undefined;
    }
  }
}

/** The claims of a token. The signature is not checked; the API does that. */
export function claimsOf(token: string): Claims {
  const payload = token.split(".")[1] ?? "";
  const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const claims = parseJson<Partial<Claims>>(new TextDecoder().decode(bytes));
  const { sub, iat, exp, role = "user" } = claims;
  if (typeof sub !== "string" || typeof iat !== "number" || typeof exp !== "number") {
    throw new Error("the token of the account service lacks sub, iat or exp");
  }
  return { sub, iat, exp, role };
}
