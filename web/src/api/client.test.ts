import { afterEach, describe, expect, it, vi } from "vitest";

const tokens = vi.hoisted(() => ({ cached: "first", get: vi.fn(), reject: vi.fn() }));
vi.mock("./tokens", () => ({ tokens }));

import { fetchWithToken, unwrap } from "./client";
import { isTransient, Problem, SignedOut } from "./problem";

tokens.get.mockImplementation(async () => tokens.cached);
tokens.reject.mockImplementation(() => {
  tokens.cached = "second";
});

/** Replaces `fetch` by a service that accepts one token only. Returns the requests it received. */
function serviceAccepting(token: string) {
  const received: { token: string | null; body: string }[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const sent = request.headers.get("authorization");
    received.push({ token: sent, body: await request.text() });
    return new Response(null, { status: sent === `Bearer ${token}` ? 200 : 401 });
  });
  return received;
}

const command = () => new Request("http://service.test/v1/x", { method: "POST", body: "the body" });

afterEach(() => {
  vi.unstubAllGlobals();
  tokens.cached = "first";
});

describe("a request", () => {
  it("carries the token", async () => {
    const received = serviceAccepting("first");
    expect((await fetchWithToken(command())).status).toBe(200);
    expect(received).toEqual([{ token: "Bearer first", body: "the body" }]);
  });

  it("is repeated with its body if the token is refused", async () => {
    const received = serviceAccepting("second");
    expect((await fetchWithToken(command())).status).toBe(200);
    expect(received.map(({ body }) => body)).toEqual(["the body", "the body"]);
  });

  it("reports that the session is over if a new token is refused too", async () => {
    const received = serviceAccepting("another");
    await expect(fetchWithToken(command())).rejects.toThrow(SignedOut);
    expect(received.length).toBe(2);
  });
});

describe("an error response", () => {
  it("becomes a problem with the texts of its body", async () => {
    const error = { type: "/problems/store-away", title: "Please try again", detail: "in a moment", status: 503 };
    const failed = unwrap(Promise.resolve({ error, response: new Response(null, { status: 503 }) }));
    await expect(failed).rejects.toThrow(Problem);
    await expect(failed).rejects.toMatchObject({
      status: 503,
      type: "/problems/store-away",
      message: "Please try again",
      detail: "in a moment",
    });
  });

  it("is transient if the service failed, was overloaded or was not reached", () => {
    expect([500, 503, 429].map((status) => isTransient(new Problem(status)))).toEqual([true, true, true]);
    expect(isTransient(new TypeError("not reached"))).toBe(true);
    expect(isTransient(new Problem(422))).toBe(false);
    expect(isTransient(new SignedOut())).toBe(false);
  });
});
