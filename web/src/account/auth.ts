// Client of the account service: sign-up, sign-in, sign-out, password and sessions.

import { addressOf } from "../api/basePath";
import { parseJson } from "../api/json";
import { messageOf, Problem, textField } from "../api/problem";
import { tokens } from "../api/tokens";

/** The signed-in user. */
export interface User {
  id: string;
  name: string;
  email: string;
}

/** Null if no user is signed in. */
export async function fetchUser(): Promise<User | null> {
  const session = await request<CurrentSession | null>("get-session");
  if (!session) return null;
  const { id, name, email } = session.user;
  return { id, name, email };
}

/** What the account service offers. */
export interface Offers {
  /** Who may sign up: everybody, people with an invitation, or nobody. */
  signUp: "open" | "invite" | "closed";
  /** Whether a new address is confirmed by mail before the first sign-in. */
  verifiesEmail: boolean;
  /** Whether a forgotten password can be replaced. */
  resetsPasswords: boolean;
}

/** Never fails: a service that does not answer refuses by itself what it does not offer. */
export async function fetchOffers(): Promise<Offers> {
  return request<Offers>("offers").catch(() => ({ signUp: "open", verifiesEmail: false, resetsPasswords: true }));
}

interface NewAccount {
  name: string;
  email: string;
  password: string;
  invitation?: string;
}

/** Returns whether the user is signed in now. If not, the user has to confirm the address first. */
export async function signUp(account: NewAccount): Promise<boolean> {
  tokens.clear();
  const { token } = await request<{ token: string | null }>("sign-up/email", account);
  return token !== null;
}

/** Asks for another mail with a link to confirm an address. */
export async function sendConfirmation(email: string): Promise<void> {
  await request("send-verification-email", { email });
}

/** Confirms an address with the token that was mailed to it, and signs in. */
export async function confirmEmail(token: string, password: string): Promise<void> {
  tokens.clear();
  await request("confirm-email", { token, password });
}

export async function signIn(credentials: { email: string; password: string }): Promise<void> {
  tokens.clear();
  await request("sign-in/email", credentials);
}

export async function signOut(): Promise<void> {
  await request("sign-out", {});
  tokens.clear();
}

export async function changeName(name: string): Promise<void> {
  await request("update-user", { name });
}

/** Also revokes all other sessions, since another person may have started one with the old password. */
export async function changePassword(currentPassword: string, newPassword: string): Promise<void> {
  await request("change-password", { currentPassword, newPassword, revokeOtherSessions: true });
  tokens.clear();
}

export async function requestPasswordReset(email: string): Promise<void> {
  await request("request-password-reset", { email });
}

export async function resetPassword(token: string, newPassword: string): Promise<void> {
  await request("reset-password", { token, newPassword });
}

/** A session of the signed-in user. */
export interface Session {
  id: string;
  token: string;
  userAgent: string | null;
  updatedAt: Date;
  /** Whether this page uses the session. */
  current: boolean;
}

/** The current session first, then the most recently renewed ones. */
export async function listSessions(): Promise<Session[]> {
  const [all, current] = await Promise.all([
    request<WireSession[]>("list-sessions"),
    request<CurrentSession | null>("get-session"),
  ]);
  const sessions = all.map(({ id, token, userAgent, updatedAt }) => ({
    id,
    token,
    userAgent: userAgent ?? null,
    updatedAt: new Date(updatedAt),
    current: id === current?.session.id,
  }));
  return sessions.sort(
    (one, other) => Number(other.current) - Number(one.current) || +other.updatedAt - +one.updatedAt,
  );
}

export async function revokeSession(token: string): Promise<void> {
  await request("revoke-session", { token });
}

export async function revokeOtherSessions(): Promise<void> {
  await request("revoke-other-sessions", {});
}

interface WireSession {
  id: string;
  token: string;
  userAgent?: string | null;
  updatedAt: string;
}

interface CurrentSession {
  session: WireSession;
  user: User;
}

/**
 * Sends a POST if there is a body. The `type` of the thrown `Problem` is the account service's error code.
 */
async function request<Data>(path: string, body?: object): Promise<Data> {
  const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(addressOf(`/api/auth/${path}`), { credentials: "same-origin", ...(body && post) });
  if (response.ok) return parseJson<Data>((await response.text()) || "null");
  const error: unknown = await response.json().catch(() => undefined);
  const code = textField(error, "code");
  throw new Problem(response.status, { ...messageOf(error), ...(code && { type: code }) });
}
