// A wire between the process and Postgres that a test can cut and mend.

import net from "node:net";
import { testDatabaseUrl } from "./process.js";

export async function startWire() {
  const target = new URL(testDatabaseUrl());
  /** @type {Set<net.Socket>} */
  const sockets = new Set();
  let whole = true;
  const server = net.createServer((near) => {
    if (!whole) return near.resetAndDestroy();
    const far = net.connect(Number(target.port || 5432), target.hostname);
    for (const [one, other] of /** @type {const} */ ([
      [near, far],
      [far, near],
    ])) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  const url = new URL(target);
  url.host = `127.0.0.1:${port}`;
  const cut = () => {
    whole = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    cut,
    mend: () => {
      whole = true;
    },
    close: () => {
      cut();
      server.close();
    },
  };
}
