// Who is at the other end of a request. Only trusted peers may say that it is somebody else.

import { isIP } from "node:net";

/**
 * The address of the client. `X-Forwarded-For` counts if the peer is trusted; it is read from its end, which the
 * nearest proxy wrote, to the first address that is not a trusted proxy itself. Empty if the peer is unknown.
 *
 * @param {string | undefined} peer
 * @param {string | string[] | undefined} forwardedFor
 * @param {import("node:net").BlockList} trustedProxies
 */
export function clientAddress(peer, forwardedFor, trustedProxies) {
  let address = plainAddress(peer ?? "");
  for (const hop of String(forwardedFor ?? "")
    .split(",")
    .reverse()) {
    if (!isListed(address, trustedProxies)) break;
    const next = plainAddress(hop.trim());
    if (!next) break;
    address = next;
  }
  return address;
}

/**
 * @param {string} address
 * @param {import("node:net").BlockList} listed
 */
function isListed(address, listed) {
  const version = isIP(address);
  return version !== 0 && listed.check(address, version === 6 ? "ipv6" : "ipv4");
}

/**
 * The address without a zone and, if it is an IPv4 address in the form of IPv6, as such; empty if it is none.
 * @param {string} text
 */
function plainAddress(text) {
  const address = text.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/i, "");
  return isIP(address) === 0 ? "" : address;
}
