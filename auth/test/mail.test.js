import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { STEP_MS } from "../src/answerTime.js";
import { bodyOf, PASSWORD, Person } from "./support/person.js";
import { startPostOffice, tokenOf } from "./support/postOffice.js";
import { dropSchema, freshSettings, inDatabase, startAccounts, until } from "./support/process.js";

const NEW = "another long password";
const MAILS_AN_HOUR = 4;

describe("with a mail server", () => {
  /** @type {Awaited<ReturnType<typeof startPostOffice>>} */
  let post;
  /** @type {ReturnType<typeof freshSettings> & Record<string, string>} */
  let settings;
  /** @type {import("./support/process.js").RunningAccounts} */
  let accounts;

  before(async () => {
    post = await startPostOffice();
    settings = { ...freshSettings(), ...post.settings, ADMIN_EMAIL: "root@example.test" };
    accounts = await startAccounts(settings);
    await accounts.ready();
  });
  after(async () => {
    await accounts?.stop();
    await dropSchema(settings);
    post?.close();
  });

  /** @param {Person} person @param {string} [password] */
  async function confirm(person, password = PASSWORD) {
    const token = tokenOf(await post.letter(person.email), "confirm-email");
    return person.post("/confirm-email", { token, password });
  }

  /** Somebody who has confirmed an address. */
  async function confirmedPerson() {
    const person = new Person(accounts.base);
    await person.signUp();
    assert.equal((await confirm(person)).status, 200);
    return person;
  }

  /** What an answer says, but for the values that are different each time. @param {Response} response */
  async function told(response) {
    const { user, ...rest } = await bodyOf(response);
    // In their order.
    const fields = Object.entries(user ?? {}).map(
      ([name, value]) => `${name}: ${value === null ? value : typeof value}`,
    );
    const headers = [...response.headers.keys()].filter((name) => name !== "date");
    return { status: response.status, headers, ...rest, fields };
  }

  it("an account opens with the link that was mailed and the password, and not before", async () => {
    const ada = new Person(accounts.base);
    assert.equal((await bodyOf(await ada.signUp())).token, null);
    assert.equal((await ada.signIn("not the password")).status, 401);
    const early = await ada.signIn();
    assert.deepEqual([early.status, (await bodyOf(early)).code], [403, "EMAIL_NOT_VERIFIED"]);
    assert.equal((await confirm(ada, "not the password")).status, 401);
    assert.equal((await ada.fetch("/token")).status, 401);
    assert.equal((await confirm(ada)).status, 200);
    assert.ok(await ada.token());
    const { user } = await bodyOf(await ada.fetch("/get-session"));
    assert.deepEqual([user.emailVerified, user.role], [true, "user"]);
    assert.equal((await ada.signIn()).status, 200);
  });

  it("a made-up token confirms nothing, and no address carries one", async () => {
    const ada = new Person(accounts.base);
    await ada.signUp();
    const token = tokenOf(await post.letter(ada.email), "confirm-email");
    for (const wrong of [`${token}x`, "", "x", 7, null]) {
      assert.equal((await ada.post("/confirm-email", { token: wrong, password: PASSWORD })).status, 400);
    }
    assert.equal((await ada.fetch(`/verify-email?token=${token}`)).status, 404);
    assert.equal((await ada.signIn()).status, 403);
  });

  it("signing up says the same whether there is an account, and tells its owner", async () => {
    const ada = await confirmedPerson();
    const [again, somebody] = [new Person(accounts.base), new Person(accounts.base)];
    again.email = ada.email.toUpperCase();
    const startedAt = performance.now();
    const answers = await Promise.all([again.signUp({ password: NEW }), somebody.signUp({ password: NEW })]);
    assert.ok(performance.now() - startedAt >= STEP_MS - 1);
    const [taken, free] = await Promise.all(answers.map(told));
    assert.deepEqual(taken, free);
    const letter = await post.letter(ada.email, 2);
    assert.ok(letter.text.includes("/sign-in") && !letter.text.includes("token="));
    assert.equal((await ada.signIn()).status, 200);
    assert.equal((await ada.signIn(NEW)).status, 401);
  });

  it("resets, repeated confirmations and sign-ins say the same for an address that nobody has", async () => {
    const ada = await confirmedPerson();
    const nobody = new Person(accounts.base);
    for (const path of ["/request-password-reset", "/send-verification-email"]) {
      const answers = [ada, nobody].map(async ({ email }) => {
        const stranger = new Person(accounts.base);
        const startedAt = performance.now();
        const answer = await told(await stranger.post(path, { email }));
        assert.ok(performance.now() - startedAt >= STEP_MS - 1);
        return answer;
      });
      assert.deepEqual(await answers[0], await answers[1], path);
    }
    const wrong = new Person(accounts.base);
    wrong.email = ada.email;
    assert.deepEqual(await told(await wrong.signIn(NEW)), await told(await nobody.signIn(NEW)));
    assert.equal(post.to(nobody.email).length, 0);
  });

  it("whoever signs up first with another person's address gets nothing by it", async () => {
    const thief = new Person(accounts.base);
    await thief.signUp({ password: "the thief's password" });
    const ada = new Person(accounts.base);
    ada.email = thief.email;
    assert.equal((await ada.signUp()).status, 200);
    // The link of the thief's sign-up does not work with the password of the owner.
    assert.equal((await confirm(ada)).status, 401);
    const token = tokenOf(await post.letter(ada.email, 2), "reset-password");
    assert.equal((await ada.post("/reset-password", { token, newPassword: NEW })).status, 200);
    assert.equal((await ada.signIn(NEW)).status, 200);
    assert.equal((await thief.signIn("the thief's password")).status, 401);
    assert.equal((await confirm(thief, "the thief's password")).status, 401);
  });

  it("a link to choose a password comes in the person's language, is logged nowhere, and works once", async () => {
    const ada = await confirmedPerson();
    await ada.post("/request-password-reset", { email: ada.email }, { "accept-language": "de-DE,de" });
    const letter = await post.letter(ada.email, 2);
    assert.ok(letter.text.includes("neues Passwort"));
    const token = tokenOf(letter, "reset-password");
    assert.ok(!accounts.lines.join("\n").includes(token));
    assert.equal((await ada.post("/reset-password", { token, newPassword: NEW })).status, 200);
    assert.equal((await ada.post("/reset-password", { token, newPassword: NEW })).status, 400);
    assert.equal((await ada.signIn(NEW)).status, 200);
  });

  it("nobody's mailbox is filled, whoever asks and from wherever, and the answers do not change", async () => {
    const ada = await confirmedPerson();
    const asked = Array.from({ length: 10 }, (_, number) => {
      const stranger = new Person(accounts.base);
      stranger.email = number % 2 === 0 ? ada.email : ada.email.toUpperCase();
      return number < 5
        ? stranger.post("/request-password-reset", { email: stranger.email })
        : stranger.signUp({ password: NEW });
    });
    for (const { status } of await Promise.all(asked)) assert.equal(status, 200);
    const dropped = () => accounts.lines.filter((line) => line.includes("its recipient has had too many")).length;
    await until(async () => post.to(ada.email).length + dropped() >= 11);
    assert.equal(post.to(ada.email).length, MAILS_AN_HOUR);
    assert.ok(!accounts.lines.join("\n").includes(ada.email));
  });

  it("the first administrator is who confirms the configured address", async () => {
    const root = new Person(accounts.base);
    root.email = "root@example.test";
    await root.signUp();
    const role = async () =>
      (
        await inDatabase(settings, (client, schema) =>
          client.query(`SELECT role FROM ${schema}."user" WHERE email = $1`, [root.email]),
        )
      ).rows[0].role;
    assert.equal(await role(), "user");
    assert.equal((await confirm(root)).status, 200);
    assert.equal(await role(), "admin");
    assert.equal((await bodyOf(await root.fetch("/get-session"))).user.role, "admin");
  });
});
