import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import { bodyOf, PASSWORD, Person } from "./support/person.js";
import { dropSchema, freshSettings, startAccounts } from "./support/process.js";

const BREACHED = "a password of many people";
const PADDING = "a password that only fills the answer";
const digest = (/** @type {string} */ password) => createHash("sha1").update(password).digest("hex").toUpperCase();

describe("passwords that are known from breaches", () => {
  /** @type {string[]} */
  const asked = [];
  let isAway = false;
  const ranges = createServer((request, response) => {
    asked.push(String(request.url));
    if (isAway) response.writeHead(503).end();
    else response.end(`${digest(BREACHED).slice(5)}:12\r\n${digest(PADDING).slice(5)}:0\r\n`);
  });
  /** @type {ReturnType<typeof freshSettings> & Record<string, string>} */
  let settings;
  /** @type {import("./support/process.js").RunningAccounts} */
  let accounts;

  before(async () => {
    ranges.listen(0, "127.0.0.1");
    await once(ranges, "listening");
    const { port } = /** @type {import("node:net").AddressInfo} */ (ranges.address());
    settings = { ...freshSettings(), BREACHED_PASSWORDS_URL: `http://127.0.0.1:${port}/range` };
    accounts = await startAccounts(settings);
    await accounts.ready();
  });
  after(async () => {
    await accounts?.stop();
    await dropSchema(settings);
    ranges.close();
  });

  it("are refused wherever a password is chosen, and only five digits of them leave the process", async () => {
    const ada = new Person(accounts.base);
    const refused = await ada.signUp({ password: BREACHED });
    assert.deepEqual([refused.status, (await bodyOf(refused)).code], [400, "PASSWORD_COMPROMISED"]);
    assert.equal((await ada.signUp({ password: PADDING })).status, 200);
    const change = { currentPassword: PADDING, newPassword: BREACHED };
    assert.equal((await ada.post("/change-password", change)).status, 400);
    const reset = { token: "x", newPassword: BREACHED };
    assert.equal((await bodyOf(await ada.post("/reset-password", reset))).code, "PASSWORD_COMPROMISED");
    assert.equal((await ada.signIn(PADDING)).status, 200);
    const expected = [BREACHED, PADDING, BREACHED, BREACHED].map(
      (password) => `/range/${digest(password).slice(0, 5)}`,
    );
    assert.deepEqual(asked, expected);
  });

  it("are taken while nobody can say so", async () => {
    isAway = true;
    assert.equal((await new Person(accounts.base).signUp({ password: BREACHED })).status, 200);
    ranges.closeAllConnections();
    ranges.close();
    assert.equal((await new Person(accounts.base).signUp({ password: PASSWORD })).status, 200);
  });
});
