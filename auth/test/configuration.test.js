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

  it("keeps of the public address its origin and its path", () => {
    const read = (/** @type {string} */ url) => {
      const { publicOrigin, publicPath } = readConfiguration({ ...LEAST, PUBLIC_URL: url });
      return [publicOrigin, publicPath];
    };
    assert.deepEqual(read("https://chat.example/"), ["https://chat.example", ""]);
    assert.deepEqual(read("https://chat.example/colloquy/"), ["https://chat.example", "/colloquy"]);
  });

  it("reads lists of origins, networks and domains as they are meant", () => {
    const { corsOrigins, trustedProxies, emailDomains, signUp, adminEmail } = readConfiguration({
      ...LEAST,
      CORS_ORIGINS: "https://App.example:443, http://localhost:5173",
      TRUSTED_PROXIES: "10.0.0.0/8,2001:db8::/32, 192.0.2.7",
      ALLOWED_EMAIL_DOMAINS: "Example.org,@example.net",
      SIGN_UP: "invite",
      ADMIN_EMAIL: "Root@Example.org",
    });
    assert.deepEqual(corsOrigins, ["https://app.example", "http://localhost:5173"]);
    assert.deepEqual(emailDomains, ["example.org", "example.net"]);
    assert.deepEqual([signUp, adminEmail], ["invite", "root@example.org"]);
    assert.ok(trustedProxies.check("10.255.0.1") && trustedProxies.check("192.0.2.7"));
    assert.ok(trustedProxies.check("2001:db8::1", "ipv6") && !trustedProxies.check("192.0.2.8"));
  });

  it("shows links to choose a new password in the log only where the public address is set to loopback", () => {
    const shown = (/** @type {object} */ env) => readConfiguration({ ...LEAST, ...env }).linksInLog;
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
    { SIGN_UP: "sometimes" },
    { ALLOWED_EMAIL_DOMAINS: "example.org,*" },
    { ADMIN_EMAIL: "root" },
    { TRUSTED_PROXIES: "10.0.0.0/33" },
    { TRUSTED_PROXIES: "proxy.example" },
    { CORS_ORIGINS: "*" },
    { CORS_ORIGINS: "https://app.example/path" },
    { BREACHED_PASSWORDS_URL: "ftp://ranges.example" },
    { SMTP_URL: "smtp://mail.example" },
  ]) {
    it(`refuses ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => readConfiguration({ ...LEAST, ...wrong }), ConfigurationError);
    });
  }
});
