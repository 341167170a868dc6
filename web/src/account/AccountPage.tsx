// Signing up and signing in: the same card with other words.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import type { FormEvent } from "react";
import { Problem } from "../api/problem";
import { inWords } from "../text/failures";
import { type Texts, useText } from "../text/text";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Alert } from "../ui/Notice";
import styles from "./AccountPage.module.css";
import { signIn, signUp } from "./auth";
import { Door } from "./Door";
import type { Destination } from "./destination";
import { LONGEST_PASSWORD, SHORTEST_PASSWORD } from "./passwords";
import { enter, hasEnded } from "./session";

export function AccountPage({ kind, destination }: { kind: "signIn" | "signUp"; destination: Destination }) {
  const text = useText();
  const queries = useQueryClient();
  const { history } = useRouter();
  const isNew = kind === "signUp";
  const entering = useMutation({
    mutationFn: async (form: FormData) => {
      const field = (name: string) => String(form.get(name) ?? "");
      const person = { email: field("email").trim(), password: field("password") };
      await (isNew ? signUp({ ...person, name: field("name").trim() }) : signIn(person));
      await enter(queries);
    },
    // By the address itself: going there by the router would carry this page's own parameters along.
    onSuccess: () => history.replace(destination.to ?? "/"),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!entering.isPending) entering.mutate(new FormData(event.currentTarget));
  };
  return (
    <Door title={text[kind].title} action={text[kind].action}>
      {!isNew && hasEnded(queries) && <p role="status">{text.signIn.expired}</p>}
      <form className={styles.form} onSubmit={submit}>
        {isNew && <Field label={text.account.name} name="name" autoComplete="name" required maxLength={100} />}
        <Field label={text.account.email} name="email" type="email" autoComplete="email" required />
        <Field
          label={text.account.password}
          name="password"
          type="password"
          autoComplete={isNew ? "new-password" : "current-password"}
          required
          {...(isNew && { minLength: SHORTEST_PASSWORD, maxLength: LONGEST_PASSWORD, hint: text.account.passwordHint })}
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
      {!isNew && (
        <p className={styles.other}>
          <Link to="/forgot-password">{text.signIn.forgot}</Link>
        </p>
      )}
    </Door>
  );
}

function whyNot(error: unknown, text: Texts): string {
  if (!(error instanceof Problem)) return inWords(error, text);
  if (error.status === 429) return text.account.tooManyTries;
  if (error.type === "INVALID_EMAIL_OR_PASSWORD") return text.account.wrongPassword;
  if (error.type?.startsWith("USER_ALREADY_EXISTS")) return text.account.emailTaken;
  return inWords(error, text);
}
