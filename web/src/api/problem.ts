// What went wrong, told apart as far as the page acts on it: not reached, signed out, or refused with words.

/** The service answered with an error, in words a person understands where it had some. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly type: string | undefined;
  readonly detail: string | undefined;

  constructor(status: number, said: { type?: string; title?: string; detail?: string } = {}) {
    super(said.title ?? `HTTP ${status}`);
    this.status = status;
    this.type = said.type;
    this.detail = said.detail;
  }

  /** Whether the same request may succeed in a moment. */
  get passing(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** The session is over. */
export class SignedOut extends Error {
  override readonly name = "SignedOut";
}

/** Reads whatever a failed response says of itself. */
export async function problemOf(response: Response): Promise<Problem> {
  const said = await response.json().catch(() => undefined);
  return new Problem(response.status, saidBy(said));
}

/** Takes from an error's body what is a text, whatever the body is. */
export function saidBy(body: unknown): { type?: string; title?: string; detail?: string } {
  if (typeof body !== "object" || body === null) return {};
  const texts = Object.entries(body).filter(([, value]) => typeof value === "string");
  const { type, title, detail, message } = Object.fromEntries(texts) as Record<string, string | undefined>;
  const said = title ?? message;
  return { ...(type && { type }), ...(said && { title: said }), ...(detail && { detail }) };
}

/** Whether trying again by itself makes sense: the service was not reached, or says that it passes. */
export function mayPass(error: unknown): boolean {
  return error instanceof Problem ? error.passing : error instanceof TypeError;
}
