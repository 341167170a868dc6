// Errors of requests, as far as the page treats them differently: service not reached, session
// over, request refused.

/** Texts that an error response carries. */
export interface ErrorMessage {
  type?: string;
  title?: string;
  detail?: string;
  /** The name of the limit that is exhausted. */
  limit?: string;
}

/** An error response of the service. `message` is the problem's title, or the status code if it has none. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly type: string | undefined;
  readonly detail: string | undefined;
  readonly limit: string | undefined;
  /** Seconds after which the same request can succeed. Undefined if the service does not say. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, { type, title, detail, limit }: ErrorMessage = {}, retryAfter?: string | null) {
    super(title ?? `HTTP ${status}`);
    this.status = status;
    this.type = type;
    this.detail = detail;
    this.limit = limit;
    this.retryAfterSeconds = retryAfter && /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : undefined;
  }
}

/** The session is over. */
export class SignedOut extends Error {
  override readonly name = "SignedOut";
}

/** Reads the problem document of an error response. Works for any body. */
export async function problemFrom(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => undefined);
  return new Problem(response.status, messageOf(body), response.headers.get("retry-after"));
}

/**
 * The texts of an error's body: a problem document, or the account service's `message`.
 * Ignores everything else.
 */
export function messageOf(body: unknown): ErrorMessage {
  const type = textField(body, "type");
  const title = textField(body, "title") ?? textField(body, "message");
  const detail = textField(body, "detail");
  const limit = textField(body, "limit");
  return { ...(type && { type }), ...(title && { title }), ...(detail && { detail }), ...(limit && { limit }) };
}

/** The field of a JSON object, if it is a text. */
export function textField(body: unknown, name: string): string | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const value: unknown = Reflect.get(body, name);
  return typeof value === "string" ? value : undefined;
}

/** A conversation or document that waits for an operator. */
export const QUARANTINED = "urn:colloquy:problem:quarantined";

/** Whether the same request may succeed later: the service was not reached, is overloaded, or failed. */
export function isTransient(error: unknown): boolean {
  if (error instanceof Problem && error.type === QUARANTINED) return false;
  if (error instanceof Problem) return error.status === 429 || error.status >= 500;
  return error instanceof TypeError;
}
