// The account service as the page uses it: sign up, in and out, the session, and the API's tokens.

import { Problem, problemOf, SignedOut, saidBy } from "../api/problem";
import { TokenSource } from "./token";

/** Who is signed in. */
export interface Person {
  id: string;
  name: string;
  email: string;
}

export const tokens = new TokenSource(async () => {
  const response = await fetch("/api/auth/token", { credentials: "same-origin" });
  if (response.status === 401) throw new SignedOut();
  if (!response.ok) throw await problemOf(response);
  const { token }: { token: string } = await response.json();
  return token;
});

/** Null when nobody is signed in. */
export async function whoIsSignedIn(): Promise<Person | null> {
  const session = await call<SignedIn | null>("get-session");
  if (!session) return null;
  const { id, name, email } = session.user;
  return { id, name, email };
}

export async function signUp(person: { name: string; email: string; password: string }): Promise<void> {
  tokens.forget();
  await call("sign-up/email", person);
}

export async function signIn(person: { email: string; password: string }): Promise<void> {
  tokens.forget();
  await call("sign-in/email", person);
}

export async function signOut(): Promise<void> {
  await call("sign-out", {});
  tokens.forget();
}

export async function changeName(name: string): Promise<void> {
  await call("update-user", { name });
}

/** Ends all other sessions: whoever knew the old password may hold one. */
export async function changePassword(currentPassword: string, newPassword: string): Promise<void> {
  await call("change-password", { currentPassword, newPassword, revokeOtherSessions: true });
  tokens.forget();
}

export async function askForReset(email: string): Promise<void> {
  await call("request-password-reset", { email, redirectTo: "/reset-password" });
}

export async function resetPassword(token: string, newPassword: string): Promise<void> {
  await call("reset-password", { token, newPassword });
}

/** Where somebody is signed in. */
export interface Session {
  id: string;
  token: string;
  userAgent: string | null;
  updatedAt: Date;
  current: boolean;
}

export async function listSessions(): Promise<Session[]> {
  const [all, here] = await Promise.all([call<WireSession[]>("list-sessions"), call<SignedIn | null>("get-session")]);
  const current = here?.session.id;
  const sessions = all.map(({ id, token, userAgent, updatedAt }) => ({
    id,
    token,
    userAgent: userAgent ?? null,
    updatedAt: new Date(updatedAt),
    current: id === current,
  }));
  return sessions.sort(
    (one, other) => Number(other.current) - Number(one.current) || +other.updatedAt - +one.updatedAt,
  );
}

export async function endSession(token: string): Promise<void> {
  await call("revoke-session", { token });
}

export async function endOtherSessions(): Promise<void> {
  await call("revoke-other-sessions", {});
}

interface WireSession {
  id: string;
  token: string;
  userAgent?: string | null;
  updatedAt: string;
}

interface SignedIn {
  session: WireSession;
  user: Person;
}

/** Asks the account service; a body makes it a POST. An error's `type` is the account service's code. */
async function call<Data>(path: string, body?: object): Promise<Data> {
  const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(`/api/auth/${path}`, { credentials: "same-origin", ...(body && post) });
  const said = await response.json().catch(() => null);
  if (response.ok) return said;
  const code = typeof said?.code === "string" ? { type: said.code } : {};
  throw new Problem(response.status, { ...saidBy(said), ...code });
}
