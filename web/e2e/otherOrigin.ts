// A page of another origin: a site of its own, whose page uses the API with bearer tokens.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";

export class OtherOrigin {
  readonly origin: string;
  readonly #close: () => void;

  private constructor(port: number, close: () => void) {
    // Another host than that of the service.
    this.origin = `http://127.0.0.1:${port}`;
    this.#close = close;
  }

  static start(): Promise<OtherOrigin> {
    const server = createServer((_, response) => {
      response.writeHead(200, { "content-type": "text/html" });
      response.end("<!doctype html><title>Another site</title>");
    });
    return new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo;
        resolve(new OtherOrigin(port, () => server.close()));
      });
    });
  }

  close(): void {
    this.#close();
  }
}

export interface Asked {
  service: string;
  email: string;
  password: string;
  question: string;
}

/** What a page can read of the answers to its requests. */
export interface Read {
  session: string | null;
  etag: string | null;
  traceId: string | null;
}

/** Signs in, asks, and follows the stream into `window.received`. Runs in the page. */
export function signInAndAsk(page: Page, asked: Asked): Promise<Read> {
  return page.evaluate(async ({ service, email, password, question }) => {
    const send = (path: string, token: string | null, body?: object): Promise<Response> =>
      fetch(service + path, {
        credentials: "omit",
        headers: {
          ...(token && { authorization: `Bearer ${token}` }),
          ...(body && { "content-type": "application/json" }),
        },
        ...(body && { method: "POST", body: JSON.stringify(body) }),
      });
    const signedIn = await send("/api/auth/sign-in/email", null, { email, password });
    const session = signedIn.headers.get("set-auth-token");
    const { token } = (await (await send("/api/auth/token", session)).json()) as { token: string };
    const [conversation, question_id] = [crypto.randomUUID(), crypto.randomUUID()];
    const command = { type: "ask", question_id, text: question };
    const accepted = await send(`/v1/conversations/${conversation}/commands`, token, command);
    const missing = await send(`/v1/conversations/${crypto.randomUUID()}`, token);
    const stream = await send(`/v1/conversations/${conversation}/stream`, token);
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    const shared = window as unknown as { received: string };
    shared.received = "";
    const follow = async (): Promise<void> => {
      for (let read = await reader?.read(); read && !read.done; read = await reader?.read())
        shared.received += read.value;
    };
    void follow();
    return { session, etag: accepted.headers.get("etag"), traceId: missing.headers.get("x-trace-id") };
  }, asked);
}

/** What the stream has brought so far. */
export function received(page: Page): Promise<string> {
  return page.evaluate(() => (window as unknown as { received: string }).received);
}
