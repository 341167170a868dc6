import { describe, expect, it, vi } from "vitest";
import { TokenSource } from "./token";

const QUARTER_HOUR_S = 900;

function token(sub: string, serial: number): string {
  const claims = { sub, iat: 5_000_000, exp: 5_000_000 + QUARTER_HOUR_S, name: "Žofie", serial };
  const bytes = new TextEncoder().encode(JSON.stringify(claims));
  const payload = btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
  return `header.${payload}.signature`;
}

function setup() {
  const clock = { now: 0 };
  const person = { id: "ada" };
  let serial = 0;
  const fetchToken = vi.fn(async () => {
    serial += 1;
    return token(person.id, serial);
  });
  return { clock, person, fetchToken, source: new TokenSource(fetchToken, () => clock.now) };
}

describe("the token", () => {
  it("is fetched once for all who ask at the same time", async () => {
    const { source, fetchToken } = setup();
    const tokens = await Promise.all([source.get(), source.get(), source.get()]);
    expect(new Set(tokens).size).toBe(1);
    expect(fetchToken).toHaveBeenCalledTimes(1);
  });

  it("is kept until a minute before its end by this device's clock, whatever the server's says", async () => {
    const { source, clock } = setup();
    const first = await source.get();
    clock.now = (QUARTER_HOUR_S - 61) * 1000;
    expect(await source.get()).toBe(first);
    clock.now = (QUARTER_HOUR_S - 60) * 1000;
    expect(await source.get()).not.toBe(first);
  });

  it("is fetched anew when the API refused it, and not when another one is there already", async () => {
    const { source, fetchToken } = setup();
    const first = await source.get();
    source.refused(first);
    const second = await source.get();
    source.refused(first);
    expect(await source.get()).toBe(second);
    expect(fetchToken).toHaveBeenCalledTimes(2);
  });

  it("is asked for again after a failure", async () => {
    const { source, fetchToken } = setup();
    fetchToken.mockRejectedValueOnce(new TypeError("offline"));
    await expect(source.get()).rejects.toThrow("offline");
    await expect(source.get()).resolves.toBeTruthy();
  });

  it("that arrives after signing out is not kept", async () => {
    const { source, fetchToken } = setup();
    const late = source.get();
    source.forget();
    await late;
    await source.get();
    expect(fetchToken).toHaveBeenCalledTimes(2);
  });

  it("of somebody else is noticed", async () => {
    const { source, person, clock } = setup();
    const changed = vi.fn();
    source.onOwnerChanged = changed;
    await source.get();
    person.id = "grace";
    clock.now = QUARTER_HOUR_S * 1000;
    await source.get();
    expect(changed).toHaveBeenCalledTimes(1);
  });
});
