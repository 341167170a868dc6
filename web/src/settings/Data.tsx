// Section for exporting the user's data and erasing the account.

import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { type FormEvent, useState } from "react";
import { clearSession, userQuery } from "../account/session";
import { api, unwrap } from "../api/client";
import { Problem } from "../api/problem";
import { errorMessage } from "../text/errorMessage";
import { type Texts, useText } from "../text/text";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Field } from "../ui/Field";
import { Alert } from "../ui/Notice";
import { Section } from "../ui/Page";
import { downloadFile } from "./downloadFile";
import styles from "./Settings.module.css";

export function Data() {
  const text = useText();
  const [isConfirming, setIsConfirming] = useState(false);
  const dataExport = useMutation({
    mutationFn: async () => {
      const archive = await unwrap(api.GET("/v1/me/export", { parseAs: "blob" }));
      downloadFile(archive, `colloquy-${new Date().toISOString().slice(0, 10)}.zip`);
    },
  });
  return (
    <Section title={text.settings.data}>
      <div className={styles.line}>
        <p className={styles.small}>{text.settings.exportHint}</p>
        <Button disabled={dataExport.isPending} onClick={() => dataExport.mutate()}>
          <Download size={16} aria-hidden="true" />
          {dataExport.isPending ? text.settings.exporting : text.settings.export}
        </Button>
      </div>
      {dataExport.isError && <Alert>{dataErrorMessage(dataExport.error, text)}</Alert>}
      <div className={styles.line}>
        <p className={styles.small}>{text.settings.eraseHint}</p>
        <Button kind="danger" onClick={() => setIsConfirming(true)}>
          {text.settings.erase}
        </Button>
      </div>
      {isConfirming && <EraseDialog onClose={() => setIsConfirming(false)} />}
    </Section>
  );
}

/** The user confirms the erasure by entering the account's e-mail address. */
function EraseDialog({ onClose }: { onClose: () => void }) {
  const text = useText();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { data: user } = useSuspenseQuery(userQuery);
  const [email, setEmail] = useState("");
  const erasure = useMutation({
    mutationFn: () => unwrap(api.DELETE("/v1/me")),
    onSuccess: async ({ receipt }) => {
      await navigate({ to: "/erasures/$receipt", params: { receipt }, replace: true });
      clearSession(queries);
    },
  });
  const isConfirmed = email.trim().toLowerCase() === user?.email.toLowerCase();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isConfirmed && !erasure.isPending) erasure.mutate();
  };
  return (
    <Dialog title={text.settings.eraseConfirm} onClose={onClose}>
      <form className={styles.form} onSubmit={submit}>
        <p>{text.settings.eraseConfirmHint(user?.email ?? "")}</p>
        <Field
          label={text.account.email}
          type="email"
          autoComplete="off"
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        {erasure.isError && <Alert>{dataErrorMessage(erasure.error, text)}</Alert>}
        <div className={styles.actions}>
          <Button kind="danger" type="submit" disabled={!isConfirmed || erasure.isPending}>
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

function dataErrorMessage(error: Error, text: Texts): string {
  const isMissing = error instanceof Problem && error.status === 404;
  return isMissing ? text.failure.notAvailableHint : errorMessage(error, text);
}
