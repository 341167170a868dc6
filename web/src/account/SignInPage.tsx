// The forms for signing in and signing up.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import type { FormEvent } from "react";
import { addressOf } from "../api/basePath";
import { Problem } from "../api/problem";
import { errorMessage } from "../text/errorMessage";
import { type Texts, useText } from "../text/text";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Alert } from "../ui/Notice";
import { AuthCard } from "./AuthCard";
import styles from "./AuthCard.module.css";
import { signIn, signUp } from "./auth";
import type { Destination } from "./destination";
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from "./passwords";
import { hasSessionExpired, startSession } from "./session";

interface Props {
  kind: "signIn" | "signUp";
  destination: Destination;
}

export function SignInPage({ kind, destination }: Props) {
  const text = useText();
  const queries = useQueryClient();
  const { history } = useRouter();
  const isNew = kind === "signUp";
  const authentication = useMutation({
    mutationFn: async (form: FormData) => {
      const field = (name: string) => String(form.get(name) ?? "");
      const credentials = { email: field("email").trim(), password: field("password") };
      await (isNew ? signUp({ ...credentials, name: field("name").trim() }) : signIn(credentials));
      await startSession(queries);
    },
    // Replaces the address itself: navigating by the router would keep this page's query parameters.
    onSuccess: () => history.replace(addressOf(destination.to ?? "/")),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!authentication.isPending) authentication.mutate(new FormData(event.currentTarget));
  };
  return (
    <AuthCard title={text[kind].title} tabTitle={text[kind].action}>
      {!isNew && hasSessionExpired(queries) && <p role="status">{text.signIn.expired}</p>}
      <form className={styles.form} onSubmit={submit}>
        {isNew && <Field label={text.account.name} name="name" autoComplete="name" required maxLength={100} />}
        <Field label={text.account.email} name="email" type="email" autoComplete="email" required />
        <PasswordField isNew={isNew} />
        {authentication.isError && <Alert>{authErrorMessage(authentication.error, text)}</Alert>}
        <Button kind="primary" type="submit" disabled={authentication.isPending}>
          {text[kind].action}
        </Button>
      </form>
      <p className={styles.link}>
        {text[kind].switchPrompt}{" "}
        <Link to={isNew ? "/sign-in" : "/sign-up"} search={destination}>
          {text[kind].switchAction}
        </Link>
      </p>
      {!isNew && (
        <p className={styles.link}>
          <Link to="/forgot-password">{text.signIn.forgot}</Link>
        </p>
      )}
    </AuthCard>
  );
}

function PasswordField({ isNew }: { isNew: boolean }) {
  const text = useText();
  const rules = {
    minLength: MIN_PASSWORD_LENGTH,
    maxLength: MAX_PASSWORD_LENGTH,
    hint: text.account.passwordHint,
  };
  return (
    <Field
      label={text.account.password}
      name="password"
      type="password"
      autoComplete={isNew ? "new-password" : "current-password"}
      required
      {...(isNew && rules)}
    />
  );
}

function authErrorMessage(error: unknown, text: Texts): string {
  if (!(error instanceof Problem)) return errorMessage(error, text);
  if (error.status === 429) return text.account.tooManyAttempts;
  if (error.type === "INVALID_EMAIL_OR_PASSWORD") return text.account.wrongCredentials;
  if (error.type?.startsWith("USER_ALREADY_EXISTS")) return text.account.emailTaken;
  return errorMessage(error, text);
}
