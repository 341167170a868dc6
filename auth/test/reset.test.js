import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { after, before, describe, it } from "node:test";
import { Person } from "./support/person.js";
import { dropSchema, freshSettings, startAccounts, until } from "./support/process.js";

const NEW = "another long password";

describe("a forgotten password", () => {
  const settings = freshSettings();
  /** @type {import("./support/process.js").RunningAccounts} */
  let accounts;

  before(async () => {
    accounts = await startAccounts(settings);
    await accounts.ready();
  });
  after(async () => {
    await accounts?.stop();
    await dropSchema(settings);
  });

  it("is chosen anew once with the link in the development log, which ends all sessions", async () => {
    const ada = new Person(accounts.base);
    await ada.signUp();
    assert.equal((await ada.post("/request-password-reset", { email: ada.email })).status, 200);
    const token = await tokenIn(() => accounts.lines.join("\n"));
    assert.equal((await ada.post("/reset-password", { token, newPassword: NEW })).status, 200);
    assert.equal((await ada.post("/reset-password", { token, newPassword: NEW })).status, 400);
    assert.equal((await ada.fetch("/token")).status, 401);
    assert.equal((await ada.signIn()).status, 401);
    assert.equal((await ada.signIn(NEW)).status, 200);
  });

  it("says the same for an address nobody has", async () => {
    const nobody = new Person(accounts.base);
    assert.equal((await nobody.post("/request-password-reset", { email: nobody.email })).status, 200);
  });
});

describe("where mail is configured", () => {
  it("the link is sent, in the person's language, and nothing of it is logged", async () => {
    const post = await startPostOffice();
    const settings = { ...freshSettings(), SMTP_URL: `smtp://127.0.0.1:${post.port}`, MAIL_FROM: "c@example.test" };
    const accounts = await startAccounts(settings);
    try {
      await accounts.ready();
      const ada = new Person(accounts.base);
      await ada.signUp();
      await ada.post("/request-password-reset", { email: ada.email }, { "accept-language": "de-DE,de" });
      const token = await tokenIn(post.received);
      assert.ok(post.received().includes(`RCPT TO:<${ada.email}>`) && post.received().includes("Passwort"));
      assert.ok(!accounts.lines.join("\n").includes(token));
    } finally {
      await accounts.stop();
      await dropSchema(settings);
      post.close();
    }
  });
});

describe("where neither mail nor loopback is", () => {
  it("there is no way to choose a password anew", async () => {
    const settings = { ...freshSettings(), PUBLIC_URL: "https://chat.example" };
    const accounts = await startAccounts(settings);
    try {
      await accounts.ready();
      const ada = new Person(accounts.base);
      const headers = { origin: "https://chat.example" };
      const answer = await ada.post("/request-password-reset", { email: ada.email }, headers);
      assert.equal(answer.status, 400);
    } finally {
      await accounts.stop();
      await dropSchema(settings);
    }
  });
});

/** @param {() => string} text */
async function tokenIn(text) {
  // A mail's lines are cut and its signs escaped.
  const found = () => /reset-password\?token=([\w-]+)/.exec(text().replaceAll("=\r\n", "").replaceAll("=3D", "="));
  await until(async () => found() !== null);
  return String(found()?.[1]);
}

/** A mail server that takes whatever comes. */
async function startPostOffice() {
  let received = "";
  const server = net.createServer((socket) => {
    let inLetter = false;
    socket.write("220 here\r\n");
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received += chunk;
      const text = String(chunk);
      if (inLetter) {
        if (!received.endsWith("\r\n.\r\n")) return;
        inLetter = false;
        socket.write("250 taken\r\n");
      } else if (text.startsWith("DATA")) {
        inLetter = true;
        socket.write("354 go on\r\n");
      } else socket.write("250 ok\r\n");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  return { port, received: () => received, close: () => server.close() };
}
