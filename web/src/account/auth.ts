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
