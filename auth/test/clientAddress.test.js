import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clientAddress } from "../src/clientAddress.js";
import { networks } from "../src/settings.js";

const TRUSTED = networks("TRUSTED_PROXIES", "10.0.0.0/8,2001:db8::/32");

describe("the address of a client", () => {
  for (const [what, peer, forwardedFor, expected] of /** @type {const} */ ([
    ["is the peer where nobody forwards", "203.0.113.5", undefined, "203.0.113.5"],
    ["is the peer whom nobody trusts, whatever it says", "203.0.113.5", "198.51.100.1", "203.0.113.5"],
    ["is what a trusted proxy says", "10.1.2.3", "198.51.100.1", "198.51.100.1"],
    ["is what loopback says", "127.0.0.1", "198.51.100.1", "198.51.100.1"],
    [
      "is the last one that is no proxy, not what the client made up",
      "10.1.2.3",
      "1.1.1.1, 198.51.100.1, 10.9.9.9",
      "198.51.100.1",
    ],
    ["is the first of proxies alone", "10.1.2.3", "10.1.1.1, 10.9.9.9", "10.1.1.1"],
    ["is the nearest one that can be read", "10.1.2.3", "198.51.100.1, nonsense, 10.9.9.9", "10.9.9.9"],
    ["is of IPv4 in whatever form", "::ffff:10.1.2.3", "::ffff:198.51.100.1", "198.51.100.1"],
    ["is of IPv6", "2001:db8::7", "2001:db9::1", "2001:db9::1"],
    ["is unknown where the peer is", undefined, "198.51.100.1", ""],
  ])) {
    it(what, () => assert.equal(clientAddress(peer, forwardedFor, TRUSTED), expected));
  }
});
