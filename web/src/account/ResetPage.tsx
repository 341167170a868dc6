// Choosing a new password with the link that was sent.

import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { FormEvent } from "react";
import { Problem } from "../api/problem";
import { inWords } from "../text/failures";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Alert } from "../ui/Notice";
import styles from "./AccountPage.module.css";
import { resetPassword } from "./auth";
import { Door } from "./Door";
import { LONGEST_PASSWORD, SHORTEST_PASSWORD } from "./passwords";

export default function ResetPage({ token }: { token: string | undefined }) {
  const text = useText();
  const resetting = useMutation({ mutationFn: (password: string) => resetPassword(token ?? "", password) });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!resetting.isPending) resetting.mutate(String(new FormData(event.currentTarget).get("password") ?? ""));
  };
  const invalid = !token || (resetting.error instanceof Problem && resetting.error.type === "INVALID_TOKEN");
  return (
    <Door title={text.reset.title} action={text.reset.title}>
      {invalid && <Alert>{text.reset.invalid}</Alert>}
      {resetting.isSuccess && <p role="status">{text.reset.done}</p>}
      {!invalid && !resetting.isSuccess && (
        <form className={styles.form} onSubmit={submit}>
          <Field
            label={text.account.newPassword}
            name="password"
            type="password"
            autoComplete="new-password"
            hint={text.account.passwordHint}
            required
            minLength={SHORTEST_PASSWORD}
            maxLength={LONGEST_PASSWORD}
          />
          {resetting.isError && <Alert>{inWords(resetting.error, text)}</Alert>}
          <Button kind="primary" type="submit" disabled={resetting.isPending}>
            {text.reset.action}
          </Button>
        </form>
      )}
      <p className={styles.other}>
        {invalid ? (
          <Link to="/forgot-password">{text.signIn.forgot}</Link>
        ) : (
          <Link to="/sign-in">{text.forgot.back}</Link>
        )}
      </p>
    </Door>
  );
}
