// Signing up and signing in: the same card with other words.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import type { FormEvent } from "react";
import { Problem } from "../api/problem";
import { inWords } from "../text/failures";
import { type Texts, useText } from "../text/text";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Logo } from "../ui/Logo";
import { Alert } from "../ui/Notice";
import styles from "./AccountPage.module.css";
import { signIn, signUp } from "./auth";
import type { Destination } from "./destination";
import { enter } from "./session";

const SHORTEST_PASSWORD = 8;

export function AccountPage({ kind, destination }: { kind: "signIn" | "signUp"; destination: Destination }) {
  const text = useText();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const isNew = kind === "signUp";
  const entering = useMutation({
    mutationFn: async (form: FormData) => {
      const field = (name: string) => String(form.get(name) ?? "");
      const person = { email: field("email").trim(), password: field("password") };
      await (isNew ? signUp({ ...person, name: field("name").trim() }) : signIn(person));
      await enter(queries);
    },
    onSuccess: () => navigate({ href: destination.to ?? "/", replace: true }),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!entering.isPending) entering.mutate(new FormData(event.currentTarget));
  };
  return (
    <main className={styles.page}>
      <title>{`${text[kind].action} · ${text.name}`}</title>
      <div className={styles.card}>
        <header className={styles.head}>
          <Logo size={44} />
          <h1 className={styles.title}>{text[kind].title}</h1>
          <p className={styles.tagline}>{text.tagline}</p>
        </header>
        <form className={styles.form} onSubmit={submit}>
          {isNew && <Field label={text.account.name} name="name" autoComplete="name" required maxLength={100} />}
          <Field label={text.account.email} name="email" type="email" autoComplete="email" required />
          <Field
            label={text.account.password}
            name="password"
            type="password"
            autoComplete={isNew ? "new-password" : "current-password"}
            required
            {...(isNew && { minLength: SHORTEST_PASSWORD, maxLength: 128, hint: text.account.passwordHint })}
          />
          {entering.isError && <Alert>{whyNot(entering.error, text)}</Alert>}
          <Button kind="primary" type="submit" disabled={entering.isPending}>
            {text[kind].action}
          </Button>
        </form>
        <p className={styles.other}>
          {text[kind].other}{" "}
          <Link to={isNew ? "/sign-in" : "/sign-up"} search={destination}>
            {text[kind].otherAction}
          </Link>
        </p>
      </div>
    </main>
  );
}

function whyNot(error: unknown, text: Texts): string {
  if (!(error instanceof Problem)) return inWords(error, text);
  if (error.status === 429) return text.account.tooManyTries;
  if (error.type === "INVALID_EMAIL_OR_PASSWORD") return text.account.wrongPassword;
  if (error.type?.startsWith("USER_ALREADY_EXISTS")) return text.account.emailTaken;
  return inWords(error, text);
}
