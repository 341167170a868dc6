// Changing one's name and password.

import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { type FormEvent, useRef } from "react";
import { changeName, changePassword } from "../account/auth";
import { LONGEST_PASSWORD, SHORTEST_PASSWORD } from "../account/passwords";
import { session } from "../account/session";
import { Problem } from "../api/problem";
import { inWords } from "../text/failures";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Alert } from "../ui/Notice";
import { Section } from "../ui/Page";
import { sessions } from "./Sessions";
import styles from "./Settings.module.css";

export function Profile() {
  const text = useText();
  const queries = useQueryClient();
  const { data: person } = useSuspenseQuery(session);
  const changing = useMutation({
    mutationFn: changeName,
    onSuccess: () => queries.invalidateQueries({ queryKey: session.queryKey }),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name") ?? "").trim();
    if (name) changing.mutate(name);
  };
  return (
    <Section title={text.settings.profile} hint={person?.email ?? ""}>
      <form className={styles.form} onSubmit={submit}>
        <Field
          label={text.account.name}
          name="name"
          autoComplete="name"
          required
          maxLength={100}
          defaultValue={person?.name}
        />
        {changing.isError && <Alert>{inWords(changing.error, text)}</Alert>}
        <Done done={changing.isSuccess} said={text.saved}>
          <Button type="submit" disabled={changing.isPending}>
            {text.save}
          </Button>
        </Done>
      </form>
    </Section>
  );
}

export function Password() {
  const text = useText();
  const queries = useQueryClient();
  const { data: person } = useSuspenseQuery(session);
  const form = useRef<HTMLFormElement>(null);
  const changing = useMutation({
    mutationFn: ({ before, after }: { before: string; after: string }) => changePassword(before, after),
    onSuccess: () => {
      form.current?.reset();
      void queries.invalidateQueries({ queryKey: sessions.queryKey });
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    changing.mutate({ before: String(given.get("current") ?? ""), after: String(given.get("new") ?? "") });
  };
  const wrong = changing.error instanceof Problem && changing.error.type === "INVALID_PASSWORD";
  return (
    <Section title={text.settings.changePassword}>
      <form ref={form} className={styles.form} onSubmit={submit}>
        {/* For whatever keeps the passwords: whose it is. */}
        <input type="hidden" autoComplete="username" value={person?.email ?? ""} readOnly />
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
          minLength={SHORTEST_PASSWORD}
          maxLength={LONGEST_PASSWORD}
        />
        {changing.isError && <Alert>{wrong ? text.account.wrongCurrentPassword : inWords(changing.error, text)}</Alert>}
        <Done done={changing.isSuccess} said={text.settings.passwordChanged}>
          <Button type="submit" disabled={changing.isPending}>
            {text.reset.action}
          </Button>
        </Done>
      </form>
    </Section>
  );
}

function Done({ done, said, children }: { done: boolean; said: string; children: React.ReactNode }) {
  return (
    <div className={styles.actions}>
      {children}
      <span role="status" className={styles.said}>
        {done && said}
      </span>
    </div>
  );
}
