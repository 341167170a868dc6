// Confirms the address of a new account with the link that was sent to it and the account's password, and signs in.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import type { FormEvent } from "react";
import { addressOf } from "../api/basePath";
import { Problem } from "../api/problem";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Alert } from "../ui/Notice";
import { AuthCard } from "./AuthCard";
import styles from "./AuthCard.module.css";
import { confirmEmail } from "./auth";
import { authErrorMessage } from "./authErrorMessage";
import { PasswordField } from "./PasswordField";
import { startSession } from "./session";
import { useFragment } from "./useFragment";

export default function ConfirmEmailPage() {
  const text = useText();
  const queries = useQueryClient();
  const { history } = useRouter();
  const token = useFragment("token");
  const confirmation = useMutation({
    mutationFn: async (password: string) => {
      await confirmEmail(token, password);
      await startSession(queries);
    },
    onSuccess: () => history.replace(addressOf("/")),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget).get("password") ?? "");
    if (!confirmation.isPending) confirmation.mutate(password);
  };
  const { error } = confirmation;
  const isInvalid = !token || (error instanceof Problem && error.type === "INVALID_TOKEN");
  const isWrong = error instanceof Problem && error.type === "INVALID_EMAIL_OR_PASSWORD";
  return (
    <AuthCard title={text.confirm.title} hint={text.confirm.hint}>
      {isInvalid ? (
        <Alert>{text.confirm.invalid}</Alert>
      ) : (
        <form className={styles.form} onSubmit={submit}>
          <PasswordField isNew={false} />
          {error && <Alert>{isWrong ? text.confirm.wrongPassword : authErrorMessage(error, text)}</Alert>}
          <Button kind="primary" type="submit" disabled={confirmation.isPending}>
            {text.confirm.action}
          </Button>
        </form>
      )}
      <p className={styles.link}>
        {isWrong ? (
          <Link to="/forgot-password">{text.signIn.forgot}</Link>
        ) : (
          <Link to="/sign-in">{text.forgot.back}</Link>
        )}
      </p>
    </AuthCard>
  );
}
