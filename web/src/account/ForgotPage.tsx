// Asking for a link to choose a new password. Says the same whether or not there is such an account.

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
import { askForReset } from "./auth";
import { Door } from "./Door";

export default function ForgotPage() {
  const text = useText();
  const asking = useMutation({ mutationFn: askForReset });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const email = String(new FormData(event.currentTarget).get("email") ?? "").trim();
    if (!asking.isPending) asking.mutate(email);
  };
  const off = asking.error instanceof Problem && asking.error.type === "RESET_PASSWORD_DISABLED";
  return (
    <Door title={text.forgot.title} action={text.forgot.title} hint={text.forgot.hint}>
      {asking.isSuccess ? (
        <p role="status">{text.forgot.sent}</p>
      ) : (
        <form className={styles.form} onSubmit={submit}>
          <Field label={text.account.email} name="email" type="email" autoComplete="email" required />
          {asking.isError && <Alert>{off ? text.forgot.off : inWords(asking.error, text)}</Alert>}
          <Button kind="primary" type="submit" disabled={asking.isPending}>
            {text.forgot.action}
          </Button>
        </form>
      )}
      <p className={styles.other}>
        <Link to="/sign-in">{text.forgot.back}</Link>
      </p>
    </Door>
  );
}
