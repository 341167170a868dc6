// Requests a link for choosing a new password. The page does not reveal whether an account exists.

import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { FormEvent } from "react";
import { Problem } from "../api/problem";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Alert } from "../ui/Notice";
import { AuthCard } from "./AuthCard";
import styles from "./AuthCard.module.css";
import { requestPasswordReset } from "./auth";

export default function ForgotPasswordPage() {
  const text = useText();
  const reset = useMutation({ mutationFn: requestPasswordReset });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const email = String(new FormData(event.currentTarget).get("email") ?? "").trim();
    if (!reset.isPending) reset.mutate(email);
  };
  const isDisabled = reset.error instanceof Problem && reset.error.type === "RESET_PASSWORD_DISABLED";
  return (
    <AuthCard title={text.forgot.title} hint={text.forgot.hint}>
      {reset.isSuccess ? (
        <p role="status">{text.forgot.sent}</p>
      ) : (
        <form className={styles.form} onSubmit={submit}>
          <Field label={text.account.email} name="email" type="email" autoComplete="email" required />
          {reset.isError && <Alert>{isDisabled ? text.forgot.disabled : errorMessage(reset.error, text)}</Alert>}
          <Button kind="primary" type="submit" disabled={reset.isPending}>
            {text.forgot.action}
          </Button>
        </form>
      )}
      <p className={styles.link}>
        <Link to="/sign-in">{text.forgot.back}</Link>
      </p>
    </AuthCard>
  );
}
