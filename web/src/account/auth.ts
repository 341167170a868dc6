// The account service as the page uses it: sign up, in and out, the session, and the API's tokens.

import { createAuthClient } from "better-auth/client";
import { Problem, problemOf, SignedOut } from "../api/problem";
import { TokenSource } from "./token";

const client = createAuthClient();

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
  const session = answered(await client.getSession());
  if (!session) return null;
  const { id, name, email } = session.user;
  return { id, name, email };
}

export async function signUp(person: { name: string; email: string; password: string }): Promise<void> {
  tokens.forget();
  answered(await client.signUp.email(person));
}

export async function signIn(person: { email: string; password: string }): Promise<void> {
  tokens.forget();
  answered(await client.signIn.email(person));
}

export async function signOut(): Promise<void> {
  answered(await client.signOut());
  tokens.forget();
}

export async function changeName(name: string): Promise<void> {
  answered(await client.updateUser({ name }));
}

/** Ends all other sessions: whoever knew the old password may hold one. */
export async function changePassword(currentPassword: string, newPassword: string): Promise<void> {
  answered(await client.changePassword({ currentPassword, newPassword, revokeOtherSessions: true }));
  tokens.forget();
}

export async function askForReset(email: string): Promise<void> {
  answered(await client.requestPasswordReset({ email, redirectTo: "/reset-password" }));
}

export async function resetPassword(token: string, newPassword: string): Promise<void> {
  answered(await client.resetPassword({ token, newPassword }));
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
  const [all, here] = await Promise.all([client.listSessions(), client.getSession()]);
  const current = answered(here)?.session.id;
  const sessions = (answered(all) ?? []).map(({ id, token, userAgent, updatedAt }) => ({
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
  answered(await client.revokeSession({ token }));
}

export async function endOtherSessions(): Promise<void> {
  answered(await client.revokeOtherSessions());
}

interface Said<Data> {
  data: Data | null;
  error: { status: number; code?: string | undefined; message?: string | undefined } | null;
}

/** An error's `type` is the account service's code; status 0 means that it was not reached. */
function answered<Data>({ data, error }: Said<Data>): Data | null {
  if (!error) return data;
  if (!error.status) throw new TypeError("the account service was not reached");
  throw new Problem(error.status, {
    ...(error.code && { type: error.code }),
    ...(error.message && { title: error.message }),
  });
}
