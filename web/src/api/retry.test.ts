import { describe, expect, it } from "vitest";
import { Problem, QUARANTINED } from "./problem";
import { COMMAND_RETRIES } from "./retry";

const { retry, retryDelay } = COMMAND_RETRIES;

describe("a command that failed", () => {
  it("is repeated while the service is away or a limit is short", () => {
    expect(retry(0, new TypeError("not reached"))).toBe(true);
    expect(retry(3, new Problem(503, {}, "1"))).toBe(true);
    expect(retry(4, new Problem(503))).toBe(false);
    expect(retry(0, new Problem(429, { limit: "commands" }, "2"))).toBe(true);
  });

  it("is reported if waiting takes long or does not help", () => {
    expect(retry(0, new Problem(429, { limit: "commands" }, "30"))).toBe(false);
    expect(retry(0, new Problem(503, { type: QUARANTINED }))).toBe(false);
    expect(retry(0, new Problem(422))).toBe(false);
  });

  it("is repeated no earlier than the service asks for", () => {
    expect(retryDelay(0, new Problem(503))).toBe(1000);
    expect(retryDelay(2, new Problem(503, {}, "1"))).toBe(4000);
    expect(retryDelay(0, new Problem(429, {}, "7"))).toBe(7000);
    expect(retryDelay(0, new Problem(503, {}, "Wed, 21 Oct 2026 07:28:00 GMT"))).toBe(1000);
  });
});
