// The form for signing in.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import type { FormEvent } from "react";
import { addressOf } from "../api/basePath";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Alert } from "../ui/Notice";
import { AuthCard } from "./AuthCard";
import styles from "./AuthCard.module.css";
import { signIn } from "./auth";
import { authErrorMessage } from "./authErrorMessage";
import type { Destination } from "./destination";
import { offersQuery } from "./offers";
import { PasswordField } from "./PasswordField";
import { hasSessionExpired, startSession } from "./session";

export function SignInPage({ destination }: { destination: Destination }) {
  const text = useText();
  const queries = useQueryClient();
  const { history } = useRouter();
  const { data: offers } = useQuery(offersQuery);
  const authentication = useMutation({
    mutationFn: async (form: FormData) => {
      const field = (name: string) => String(form.get(name) ?? "");
      await signIn({ email: field("email").trim(), password: field("password") });
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
    <AuthCard title={text.signIn.title} tabTitle={text.signIn.action}>
      {hasSessionExpired(queries) && <p role="status">{text.signIn.expired}</p>}
      <form className={styles.form} onSubmit={submit}>
        <Field label={text.account.email} name="email" type="email" autoComplete="email" required />
        <PasswordField isNew={false} />
        {authentication.isError && <Alert>{authErrorMessage(authentication.error, text)}</Alert>}
        <Button kind="primary" type="submit" disabled={authentication.isPending}>
          {text.signIn.action}
        </Button>
      </form>
      {offers && offers.signUp !== "closed" && (
        <p className={styles.link}>
          {text.signIn.switchPrompt}{" "}
          <Link to="/sign-up" search={destination}>
            {offers.signUp === "invite" ? text.signIn.switchInvited : text.signIn.switchAction}
          </Link>
        </p>
      )}
      {offers?.resetsPasswords && (
        <p className={styles.link}>
          <Link to="/forgot-password">{text.signIn.forgot}</Link>
        </p>
      )}
    </AuthCard>
  );
}
