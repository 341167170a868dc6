// Somebody with a browser: keeps cookies, comes from an address of their own.

import { randomInt, randomUUID } from "node:crypto";
import { PUBLIC_URL } from "./process.js";

export const PASSWORD = "a long enough password";

export class Person {
  /** @param {string} base @param {string} [origin] */
  constructor(base, origin = PUBLIC_URL) {
    this.base = base;
    this.origin = origin;
    this.email = `${randomUUID()}@example.test`;
    this.address = `10.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}`;
    this.cookies = "";
    this.bearer = "";
  }

  /**
   * @param {string} path
   * @param {RequestInit & { headers?: Record<string, string> }} [init]
   */
  async fetch(path, init = {}) {
    const response = await fetch(`${this.base}${path}`, {
      ...init,
      headers: {
        origin: this.origin,
        "x-forwarded-for": this.address,
        ...(this.cookies && { cookie: this.cookies }),
        ...init.headers,
      },
    });
    const set = response.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
    if (set.length > 0) this.cookies = set.join("; ");
    this.bearer = response.headers.get("set-auth-token") ?? this.bearer;
    return response;
  }

  /**
   * @param {string} path
   * @param {object} body
   * @param {Record<string, string>} [headers]
   */
  post(path, body, headers = {}) {
    const init = {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
    };
    return this.fetch(path, init);
  }

  /** @param {object} [more] */
  signUp(more = {}) {
    return this.post("/sign-up/email", { email: this.email, password: PASSWORD, name: "Ada", ...more });
  }

  signIn(password = PASSWORD) {
    return this.post("/sign-in/email", { email: this.email, password });
  }

  /** @returns {Promise<string>} */
  async token() {
    const response = await this.fetch("/token");
    if (!response.ok) throw new Error(`no token: ${response.status}`);
    return (await bodyOf(response)).token;
  }

  /** @param {string} bearer */
  async sessionWithBearer(bearer) {
    const response = await fetch(`${this.base}/get-session`, { headers: { authorization: `Bearer ${bearer}` } });
    return bodyOf(response);
  }
}

/**
 * @param {Response} response
 * @returns {Promise<any>}
 */
export function bodyOf(response) {
  return response.json();
}
