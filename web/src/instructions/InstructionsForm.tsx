// The form for the instructions to the language model and its temperature.

import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useId } from "react";
import type { Instructions } from "../api/types";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import field from "../ui/Field.module.css";
import { Alert } from "../ui/Notice";
import { SubmitRow } from "../ui/SubmitRow";
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
  if (!data) return error ? <Alert>{errorMessage(error, text)}</Alert> : null;
  return <LoadedForm loaded={data} {...(conversationId && { conversationId })} {...(onSaved && { onSaved })} />;
}

function LoadedForm({ loaded, conversationId, onSaved }: Props & { loaded: Instructions }) {
  const text = useText();
  const { instructions: texts } = text;
  const id = useId();
  const save = useMutation({
    mutationFn: (changed: Instructions) => saveInstructions(conversationId, changed),
    onSuccess: () => onSaved?.(),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    save.mutate(readForm(new FormData(event.currentTarget)));
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <div className={field.field}>
        <label htmlFor={id} className={field.label}>
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
        step={0.01}
        defaultValue={loaded.temperature ?? ""}
      />
      {save.isError && <Alert>{errorMessage(save.error, text)}</Alert>}
      <SubmitRow isDone={save.isSuccess} message={text.saved}>
        <Button kind="primary" type="submit" disabled={save.isPending}>
          {text.save}
        </Button>
      </SubmitRow>
    </form>
  );
}
