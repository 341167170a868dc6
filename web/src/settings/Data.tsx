// Taking all of one's data along, and having it erased.

import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { type FormEvent, useState } from "react";
import { forget, session } from "../account/session";
import { fetchAnswer, fetchData } from "../api/client";
import { Problem } from "../api/problem";
import { inWords } from "../text/failures";
import { type Texts, useText } from "../text/text";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Field } from "../ui/Field";
import { Alert } from "../ui/Notice";
import { Section } from "../ui/Page";
import styles from "./Settings.module.css";
import { saveAs } from "./saveAs";

export function Data() {
  const text = useText();
  const [asking, setAsking] = useState(false);
  const exporting = useMutation({
    mutationFn: async () => {
      const answer = await fetchAnswer("/v1/me/export");
      await saveAs(answer, `colloquy-${new Date().toISOString().slice(0, 10)}.zip`);
    },
  });
  return (
    <Section title={text.settings.data}>
      <div className={styles.line}>
        <p className={styles.small}>{text.settings.exportHint}</p>
        <Button disabled={exporting.isPending} onClick={() => exporting.mutate()}>
          <Download size={16} aria-hidden="true" />
          {exporting.isPending ? text.settings.exporting : text.settings.export}
        </Button>
      </div>
      {exporting.isError && <Alert>{whyNot(exporting.error, text)}</Alert>}
      <div className={styles.line}>
        <p className={styles.small}>{text.settings.eraseHint}</p>
        <Button kind="danger" onClick={() => setAsking(true)}>
          {text.settings.erase}
        </Button>
      </div>
      {asking && <EraseDialog onClose={() => setAsking(false)} />}
    </Section>
  );
}

function EraseDialog({ onClose }: { onClose: () => void }) {
  const text = useText();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { data: person } = useSuspenseQuery(session);
  const [written, setWritten] = useState("");
  const erasing = useMutation({
    mutationFn: () => fetchData<{ receipt: string }>("/v1/me", { method: "DELETE" }),
    onSuccess: async ({ receipt }) => {
      await navigate({ to: "/erasures/$receipt", params: { receipt }, replace: true });
      forget(queries);
    },
  });
  const sure = written.trim().toLowerCase() === person?.email.toLowerCase();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (sure && !erasing.isPending) erasing.mutate();
  };
  return (
    <Dialog title={text.settings.eraseConfirm} onClose={onClose}>
      <form className={styles.form} onSubmit={submit}>
        <p>{text.settings.eraseConfirmHint(person?.email ?? "")}</p>
        <Field
          label={text.account.email}
          type="email"
          autoComplete="off"
          value={written}
          onChange={(event) => setWritten(event.target.value)}
        />
        {erasing.isError && <Alert>{whyNot(erasing.error, text)}</Alert>}
        <div className={styles.actions}>
          <Button kind="danger" type="submit" disabled={!sure || erasing.isPending}>
            {text.settings.eraseAction}
          </Button>
          <Button kind="quiet" onClick={onClose}>
            {text.cancel}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function whyNot(error: Error, text: Texts): string {
  return error instanceof Problem && error.status === 404 ? text.settings.notAvailable : inWords(error, text);
}
