import { describe, expect, it, vi } from "vitest";
import { TokenSource } from "./tokenSource";

const LIFETIME_S = 900;

function encodeToken(sub: string, serial: number): string {
  const claims = { sub, iat: 5_000_000, exp: 5_000_000 + LIFETIME_S, name: "Žofie", serial };
  const bytes = new TextEncoder().encode(JSON.stringify(claims));
  const payload = btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
  return `header.${payload}.signature`;
}

function setup() {
  const clock = { now: 0 };
  const user = { id: "ada" };
  let serial = 0;
  const fetchToken = vi.fn(async () => {
    serial += 1;
    return encodeToken(user.id, serial);
  });
  return { clock, user, fetchToken, source: new TokenSource(fetchToken, () => clock.now) };
}

describe("the token source", () => {
  it("sends one request for concurrent callers", async () => {
    const { source, fetchToken } = setup();
    const tokens = await Promise.all([source.get(), source.get(), source.get()]);
    expect(new Set(tokens).size).toBe(1);
    expect(fetchToken).toHaveBeenCalledTimes(1);
  });

  it("keeps a token until a minute before it expires, by this device's clock", async () => {
    const { source, clock } = setup();
    const first = await source.get();
    clock.now = (LIFETIME_S - 61) * 1000;
    expect(await source.get()).toBe(first);
    clock.now = (LIFETIME_S - 60) * 1000;
    expect(await source.get()).not.toBe(first);
  });

  it("renews a rejected token once", async () => {
    const { source, fetchToken } = setup();
    const first = await source.get();
    source.reject(first);
    const second = await source.get();
    source.reject(first);
    expect(await source.get()).toBe(second);
    expect(fetchToken).toHaveBeenCalledTimes(2);
  });

  it("sends another request after one that failed", async () => {
    const { source, fetchToken } = setup();
    fetchToken.mockRejectedValueOnce(new TypeError("offline"));
    await expect(source.get()).rejects.toThrow("offline");
    await expect(source.get()).resolves.toBeTruthy();
  });

  it("does not keep a token that arrives after it was cleared", async () => {
    const { source, fetchToken } = setup();
    const late = source.get();
    source.clear();
    await late;
    await source.get();
    expect(fetchToken).toHaveBeenCalledTimes(2);
  });

  it("reports a token that belongs to another user", async () => {
    const { source, user, clock } = setup();
    const changed = vi.fn();
    source.onOwnerChanged = changed;
    await source.get();
    user.id = "grace";
    clock.now = LIFETIME_S * 1000;
    await source.get();
    expect(changed).toHaveBeenCalledTimes(1);
  });
});
