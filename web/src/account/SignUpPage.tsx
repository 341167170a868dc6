// The form for signing up, as far as the account service allows it, and what follows: a session, or a mail with a
// link that confirms the address.

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
import { sendConfirmation, signUp } from "./auth";
import { authErrorMessage } from "./authErrorMessage";
import type { Destination } from "./destination";
import { offersQuery } from "./offers";
import { PasswordField } from "./PasswordField";
import { startSession } from "./session";
import { useFragment } from "./useFragment";

export function SignUpPage({ destination }: { destination: Destination }) {
  const text = useText();
  const queries = useQueryClient();
  const { history } = useRouter();
  const { data: offers } = useQuery(offersQuery);
  const invitation = useFragment("invitation");
  const registration = useMutation({
    mutationFn: async (form: FormData) => {
      const field = (name: string) => String(form.get(name) ?? "").trim();
      const email = field("email");
      const code = field("invitation");
      const account = { email, name: field("name"), password: String(form.get("password") ?? "") };
      const isSignedIn = await signUp({ ...account, ...(code && { invitation: code }) });
      if (isSignedIn) await startSession(queries);
      return { email, isSignedIn };
    },
    // Replaces the address itself: navigating by the router would keep this page's query parameters.
    onSuccess: ({ isSignedIn }) => isSignedIn && history.replace(addressOf(destination.to ?? "/")),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!registration.isPending) registration.mutate(new FormData(event.currentTarget));
  };
  const isClosed = offers?.signUp === "closed";
  const isInvited = offers?.signUp === "invite";
  const unconfirmed = registration.data?.isSignedIn === false ? registration.data.email : undefined;
  return (
    <AuthCard title={unconfirmed ? text.confirm.title : text.signUp.title} tabTitle={text.signUp.action}>
      {isClosed && <p role="status">{text.signUp.closed}</p>}
      {unconfirmed && <Unconfirmed email={unconfirmed} />}
      {!isClosed && !unconfirmed && (
        <form className={styles.form} onSubmit={submit}>
          {(isInvited || invitation) && (
            <Field
              label={text.signUp.invitation}
              name="invitation"
              autoComplete="off"
              defaultValue={invitation}
              required={isInvited}
            />
          )}
          <Field label={text.account.name} name="name" autoComplete="name" required maxLength={100} />
          <Field label={text.account.email} name="email" type="email" autoComplete="email" required />
          <PasswordField isNew />
          {registration.isError && <Alert>{authErrorMessage(registration.error, text)}</Alert>}
          <Button kind="primary" type="submit" disabled={registration.isPending}>
            {text.signUp.action}
          </Button>
        </form>
      )}
      <p className={styles.link}>
        {text.signUp.switchPrompt}{" "}
        <Link to="/sign-in" search={destination}>
          {text.signUp.switchAction}
        </Link>
      </p>
    </AuthCard>
  );
}

function Unconfirmed({ email }: { email: string }) {
  const text = useText();
  const repetition = useMutation({ mutationFn: () => sendConfirmation(email) });
  return (
    <>
      <p role="status">{repetition.isSuccess ? text.confirm.sentAgain : text.confirm.sent(email)}</p>
      {repetition.isError && <Alert>{authErrorMessage(repetition.error, text)}</Alert>}
      <Button onClick={() => repetition.mutate()} disabled={repetition.isPending || repetition.isSuccess}>
        {text.confirm.sendAgain}
      </Button>
    </>
  );
}
