// The form for the instructions to the language model and its temperature.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId } from "react";
import type { Instructions } from "../api/types";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Alert } from "../ui/Notice";
import styles from "./InstructionsForm.module.css";
import { instructionsQuery, saveInstructions } from "./queries";
import { MAX_LENGTH, MAX_TEMPERATURE, readForm } from "./readForm";

interface Props {
  /** The conversation; all answers without one. */
  conversationId?: string;
  onSaved?: () => void;
}

export function InstructionsForm({ conversationId, onSaved }: Props) {
  const text = useText();
  const { data, error } = useQuery({ ...instructionsQuery(conversationId), refetchOnWindowFocus: false });
  if (error) return <Alert>{errorMessage(error, text)}</Alert>;
  if (!data) return null;
  return <LoadedForm loaded={data} {...(conversationId && { conversationId })} {...(onSaved && { onSaved })} />;
}

function LoadedForm({ loaded, conversationId, onSaved }: Props & { loaded: Instructions }) {
  const text = useText();
  const { instructions: texts } = text;
  const id = useId();
  const queries = useQueryClient();
  const save = useMutation({
    mutationFn: (changed: Instructions) => saveInstructions(conversationId, changed),
    onSuccess: (_, changed) => {
      queries.setQueryData(instructionsQuery(conversationId).queryKey, changed);
      onSaved?.();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    save.mutate(readForm(new FormData(event.currentTarget)));
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <div className={styles.field}>
        <label htmlFor={id} className={styles.label}>
          {texts.label}
        </label>
        <textarea
          id={id}
          name="instructions"
          className={styles.text}
          rows={5}
          maxLength={MAX_LENGTH}
          placeholder={texts.placeholder}
          defaultValue={loaded.instructions ?? ""}
          dir="auto"
        />
      </div>
      <Field
        label={texts.temperature}
        hint={texts.temperatureHint}
        name="temperature"
        type="number"
        inputMode="decimal"
        min={0}
        max={MAX_TEMPERATURE}
        step={0.05}
        defaultValue={loaded.temperature ?? ""}
      />
      {save.isError && <Alert>{errorMessage(save.error, text)}</Alert>}
      <div className={styles.actions}>
        <Button kind="primary" type="submit" disabled={save.isPending}>
          {text.save}
        </Button>
        <span role="status" className={styles.saved}>
          {save.isSuccess && text.saved}
        </span>
      </div>
    </form>
  );
}
