// A mail server in the test's own process that takes whatever comes, and keeps it.

import { once } from "node:events";
import net from "node:net";
import { until } from "./process.js";

/** @typedef {{ to: string, subject: string, text: string }} Received */

export async function startPostOffice() {
  /** @type {Received[]} */
  const letters = [];
  const server = net.createServer((socket) => {
    let to = "";
    let buffer = "";
    let inLetter = false;
    socket.on("error", () => {});
    socket.write("220 here\r\n");
    /** @param {string} line */
    const obey = (line) => {
      to = /^RCPT TO:<(.+)>/i.exec(line)?.[1] ?? to;
      inLetter = /^DATA/i.test(line);
      socket.write(inLetter ? "354 go on\r\n" : "250 ok\r\n");
    };
    socket.on("data", (chunk) => {
      buffer += chunk;
      for (;;) {
        const end = inLetter ? "\r\n.\r\n" : "\r\n";
        const at = buffer.indexOf(end);
        if (at < 0) return;
        const part = buffer.slice(0, at);
        buffer = buffer.slice(at + end.length);
        if (!inLetter) {
          obey(part);
          continue;
        }
        inLetter = false;
        letters.push(read(to, part));
        socket.write("250 taken\r\n");
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {net.AddressInfo} */ (server.address());

  /** @param {string} address */
  const to = (address) => letters.filter((letter) => letter.to === address);
  return {
    settings: { SMTP_URL: `smtp://127.0.0.1:${port}`, MAIL_FROM: "colloquy@example.test" },
    to,
    /**
     * The letter with a number to an address, the first is 1, once it has come.
     * @param {string} address @param {number} [number]
     * @returns {Promise<Received>}
     */
    letter: async (address, number = 1) => {
      await until(async () => to(address).length >= number);
      return /** @type {Received} */ (to(address)[number - 1]);
    },
    close: () => server.close(),
  };
}

/**
 * The token of the link in a letter.
 * @param {Received} letter @param {string} page
 */
export function tokenOf({ text }, page) {
  const [, token] = new RegExp(`/${page}#token=([\\w.%-]+)`).exec(text) ?? [];
  if (!token) throw new Error(`no link to ${page} in: ${text}`);
  return decodeURIComponent(token);
}

/**
 * @param {string} to @param {string} raw
 * @returns {Received}
 */
function read(to, raw) {
  const at = raw.indexOf("\r\n\r\n");
  const head = raw.slice(0, at).replaceAll("\r\n ", " ");
  const body = raw.slice(at + 4);
  const [, encoding = ""] = /^Content-Transfer-Encoding: (\S+)/im.exec(head) ?? [];
  const [, subject = ""] = /^Subject: (.+)$/im.exec(head) ?? [];
  if (encoding === "base64") return { to, subject, text: Buffer.from(body, "base64").toString() };
  if (encoding !== "quoted-printable") return { to, subject, text: body };
  const bytes = body
    .replaceAll("=\r\n", "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { to, subject, text: Buffer.from(bytes, "latin1").toString() };
}
