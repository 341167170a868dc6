// Sets a new password with the token of the link that was sent by e-mail.

import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { FormEvent } from "react";
import { Problem } from "../api/problem";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Alert } from "../ui/Notice";
import { AuthCard } from "./AuthCard";
import styles from "./AuthCard.module.css";
import { resetPassword } from "./auth";
import { PasswordField } from "./PasswordField";
import { useFragment } from "./useFragment";

export default function ResetPasswordPage() {
  const text = useText();
  const token = useFragment("token");
  const reset = useMutation({ mutationFn: (password: string) => resetPassword(token, password) });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!reset.isPending) reset.mutate(String(new FormData(event.currentTarget).get("password") ?? ""));
  };
  const isInvalid = !token || (reset.error instanceof Problem && reset.error.type === "INVALID_TOKEN");
  return (
    <AuthCard title={text.reset.title}>
      {isInvalid && <Alert>{text.reset.invalid}</Alert>}
      {reset.isSuccess && <p role="status">{text.reset.done}</p>}
      {!isInvalid && !reset.isSuccess && (
        <form className={styles.form} onSubmit={submit}>
          <PasswordField isNew label={text.account.newPassword} />
          {reset.isError && <Alert>{errorMessage(reset.error, text)}</Alert>}
          <Button kind="primary" type="submit" disabled={reset.isPending}>
            {text.reset.action}
          </Button>
        </form>
      )}
      <p className={styles.link}>
        {isInvalid ? (
          <Link to="/forgot-password">{text.signIn.forgot}</Link>
        ) : (
          <Link to="/sign-in">{text.forgot.back}</Link>
        )}
      </p>
    </AuthCard>
  );
}
