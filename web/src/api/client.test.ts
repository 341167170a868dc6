import { afterEach, describe, expect, it, vi } from "vitest";

const tokens = vi.hoisted(() => ({ held: "first", get: vi.fn(), refused: vi.fn() }));
vi.mock("../account/auth", () => ({ tokens }));

import { authorised, dataOf } from "./client";
import { mayPass, Problem, SignedOut } from "./problem";

tokens.get.mockImplementation(async () => tokens.held);
tokens.refused.mockImplementation(() => {
  tokens.held = "second";
});

/** A service that takes only this token; gives what it was sent. */
function serviceTaking(token: string) {
  const seen: { token: string | null; body: string }[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const given = request.headers.get("authorization");
    seen.push({ token: given, body: await request.text() });
    return new Response(null, { status: given === `Bearer ${token}` ? 200 : 401 });
  });
  return seen;
}

const command = () => new Request("http://service.test/v1/x", { method: "POST", body: "the same" });

afterEach(() => {
  vi.unstubAllGlobals();
  tokens.held = "first";
});

describe("a call", () => {
  it("carries the token", async () => {
    const seen = serviceTaking("first");
    expect((await authorised(command())).status).toBe(200);
    expect(seen).toEqual([{ token: "Bearer first", body: "the same" }]);
  });

  it("is sent once more, whole, when its token is refused", async () => {
    const seen = serviceTaking("second");
    expect((await authorised(command())).status).toBe(200);
    expect(seen.map(({ body }) => body)).toEqual(["the same", "the same"]);
  });

  it("that is refused twice means that the session is over", async () => {
    const seen = serviceTaking("another");
    await expect(authorised(command())).rejects.toThrow(SignedOut);
    expect(seen.length).toBe(2);
  });

  it("that fails says why in the service's words, and whether it may pass", async () => {
    const error = { type: "/problems/store-away", title: "Please try again", detail: "in a moment", status: 503 };
    const failed = await dataOf(Promise.resolve({ error, response: new Response(null, { status: 503 }) })).catch(
      (why) => why,
    );
    expect(failed).toBeInstanceOf(Problem);
    expect(failed).toMatchObject({
      status: 503,
      type: "/problems/store-away",
      message: "Please try again",
      detail: "in a moment",
    });
    expect(mayPass(failed)).toBe(true);
    expect(mayPass(new Problem(422))).toBe(false);
    expect(mayPass(new TypeError("not reached"))).toBe(true);
  });
});
