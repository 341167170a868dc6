// The choice of the language model of a conversation. Not shown without a choice.

import { useText } from "../text/text";
import styles from "./ModelPicker.module.css";
import { useModelChoices } from "./models";

interface Props {
  /** The chosen model. Undefined for the default one. */
  model: string | undefined;
  onChange: (model: string) => void;
}

export function ModelPicker({ model, onChange }: Props) {
  const { label } = useText().models;
  const models = useModelChoices();
  const shown = models.find(({ name }) => name === model) ?? models.find(({ is_default }) => is_default);
  if (!shown) return null;
  return (
    <select
      className={styles.picker}
      aria-label={label}
      title={label}
      value={shown.name}
      onChange={(event) => onChange(event.target.value)}
    >
      {models.map(({ name }) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}
