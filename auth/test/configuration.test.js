import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConfigurationError, readConfiguration } from "../src/configuration.js";

const LEAST = { DATABASE_URL: "postgres://localhost/x", BETTER_AUTH_SECRET: "s".repeat(32) };

describe("configuration", () => {
  it("needs a database and a secret, and has defaults for the rest", () => {
    const { host, port, publicOrigin, schema, issuer, audience, rateLimited } = readConfiguration(LEAST);
    assert.deepEqual(
      { host, port, publicOrigin, schema, issuer, audience, rateLimited },
      {
        host: "127.0.0.1",
        port: 4000,
        publicOrigin: "http://localhost:8080",
        schema: "auth",
        issuer: "colloquy",
        audience: "colloquy",
        rateLimited: true,
      },
    );
  });

  it("keeps of the public address only its origin", () => {
    assert.equal(
      readConfiguration({ ...LEAST, PUBLIC_URL: "https://chat.example/" }).publicOrigin,
      "https://chat.example",
    );
  });

  it("shows links to choose a new password in the log only where the public address is set to loopback", () => {
    const shown = (/** @type {object} */ env) => readConfiguration({ ...LEAST, ...env }).resetLinksInLog;
    assert.equal(shown({ PUBLIC_URL: "http://localhost:8080" }), true);
    assert.equal(shown({ PUBLIC_URL: "https://chat.example" }), false);
    assert.equal(shown({}), false);
  });

  it("reads an IPv6 address to listen on", () => {
    const { host, port } = readConfiguration({ ...LEAST, AUTH_LISTEN: "[::1]:0" });
    assert.deepEqual({ host, port }, { host: "::1", port: 0 });
  });

  for (const wrong of [
    { DATABASE_URL: "" },
    { BETTER_AUTH_SECRET: "too short" },
    { BETTER_AUTH_SECRET_FILE: "/no/such/file" },
    { PUBLIC_URL: "localhost:8080" },
    { AUTH_LISTEN: "4000" },
    { AUTH_LISTEN: "127.0.0.1:99999" },
    { AUTH_SCHEMA: 'auth"; DROP TABLE x' },
    { AUTH_RATE_LIMIT: "maybe" },
  ]) {
    it(`refuses ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => readConfiguration({ ...LEAST, ...wrong }), ConfigurationError);
    });
  }
});
