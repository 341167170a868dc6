// Sections for the name and the password.

import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { type FormEvent, useRef } from "react";
import { changeName, changePassword } from "../account/auth";
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from "../account/passwords";
import { userQuery } from "../account/session";
import { Problem } from "../api/problem";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Alert } from "../ui/Notice";
import { Section } from "../ui/Page";
import { SubmitRow } from "../ui/SubmitRow";
import { sessionsQuery } from "./Sessions";
import styles from "./Settings.module.css";

export function Profile() {
  const text = useText();
  const queries = useQueryClient();
  const { data: user } = useSuspenseQuery(userQuery);
  const change = useMutation({
    mutationFn: changeName,
    onSuccess: () => queries.invalidateQueries({ queryKey: userQuery.queryKey }),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name") ?? "").trim();
    if (name) change.mutate(name);
  };
  return (
    <Section title={text.settings.profile} hint={user?.email ?? ""}>
      <form className={styles.form} onSubmit={submit}>
        <Field
          label={text.account.name}
          name="name"
          autoComplete="name"
          required
          maxLength={100}
          defaultValue={user?.name}
        />
        {change.isError && <Alert>{errorMessage(change.error, text)}</Alert>}
        <SubmitRow isDone={change.isSuccess} message={text.saved}>
          <Button type="submit" disabled={change.isPending}>
            {text.save}
          </Button>
        </SubmitRow>
      </form>
    </Section>
  );
}

export function Password() {
  const text = useText();
  const queries = useQueryClient();
  const { data: user } = useSuspenseQuery(userQuery);
  const form = useRef<HTMLFormElement>(null);
  const change = useMutation({
    mutationFn: ({ current, next }: { current: string; next: string }) => changePassword(current, next),
    onSuccess: () => {
      form.current?.reset();
      void queries.invalidateQueries({ queryKey: sessionsQuery.queryKey });
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    change.mutate({ current: String(fields.get("current") ?? ""), next: String(fields.get("new") ?? "") });
  };
  const isWrong = change.error instanceof Problem && change.error.type === "INVALID_PASSWORD";
  return (
    <Section title={text.settings.changePassword}>
      <form ref={form} className={styles.form} onSubmit={submit}>
        {/* Tells password managers which account the password belongs to. */}
        <input type="hidden" autoComplete="username" value={user?.email ?? ""} readOnly />
        <Field
          label={text.account.currentPassword}
          name="current"
          type="password"
          autoComplete="current-password"
          required
        />
        <Field
          label={text.account.newPassword}
          name="new"
          type="password"
          autoComplete="new-password"
          hint={text.account.passwordHint}
          required
          minLength={MIN_PASSWORD_LENGTH}
          maxLength={MAX_PASSWORD_LENGTH}
        />
        {change.isError && (
          <Alert>{isWrong ? text.account.wrongCurrentPassword : errorMessage(change.error, text)}</Alert>
        )}
        <SubmitRow isDone={change.isSuccess} message={text.settings.passwordChanged}>
          <Button type="submit" disabled={change.isPending}>
            {text.reset.action}
          </Button>
        </SubmitRow>
      </form>
    </Section>
  );
}
