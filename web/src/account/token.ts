// The token that the API asks for: fetched with the session's cookie, kept in memory only, fetched anew a minute before
// it ends, and only once however many ask at the same time.

/** Fetches a token; throws `SignedOut` when there is no session. */
export type FetchToken = () => Promise<string>;

const EARLY_MS = 60_000;

interface Claims {
  sub: string;
  iat: number;
  exp: number;
  role: string;
}

interface Held {
  token: string;
  owner: string;
  /** By this device's clock, which need not agree with the server's. */
  endsAt: number;
}

export class TokenSource {
  readonly #fetchToken: FetchToken;
  readonly #now: () => number;
  #held: Held | undefined;
  #pending: Promise<Held> | undefined;
  #generation = 0;

  /** Called when another person than before holds the session: whatever the page knows is somebody else's. */
  onOwnerChanged: () => void = () => {};

  constructor(fetchToken: FetchToken, now: () => number = Date.now) {
    this.#fetchToken = fetchToken;
    this.#now = now;
  }

  async get(): Promise<string> {
    if (this.#held && this.#held.endsAt - EARLY_MS > this.#now()) return this.#held.token;
    this.#pending ??= this.#refresh(this.#generation);
    return (await this.#pending).token;
  }

  /** The API refused this token; the next `get` fetches another, unless that has already happened. */
  refused(token: string): void {
    if (this.#held?.token === token) this.#held = { ...this.#held, endsAt: 0 };
  }

  /** The session is over, on purpose: nothing of it is kept, not even what is still on its way. */
  forget(): void {
    this.#generation += 1;
    this.#held = undefined;
    this.#pending = undefined;
  }

  async #refresh(generation: number): Promise<Held> {
    try {
      const token = await this.#fetchToken();
      const { sub, iat, exp } = claimsOf(token);
      const held = { token, owner: sub, endsAt: this.#now() + (exp - iat) * 1000 };
      if (generation !== this.#generation) return held;
      const before = this.#held?.owner;
      this.#held = held;
      if (before !== undefined && before !== sub) this.onOwnerChanged();
      return held;
    } finally {
      if (generation === this.#generation) this.#pending = undefined;
    }
  }
}

/** What the token says; not checked here, that is the API's business. */
export function claimsOf(token: string): Claims {
  const payload = token.split(".")[1] ?? "";
  const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const claims: Partial<Claims> = JSON.parse(new TextDecoder().decode(bytes));
  const { sub, iat, exp, role = "user" } = claims;
  if (typeof sub !== "string" || typeof iat !== "number" || typeof exp !== "number") {
    throw new Error("the account service sent a token without sub, iat or exp");
  }
  return { sub, iat, exp, role };
}
