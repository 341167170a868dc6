// The choice of the language model of a conversation. Not shown without a choice.

import { useText } from "../text/text";
import styles from "../ui/Picker.module.css";
import { useModelChoices } from "./models";

interface Props {
  /** The name of the shown model. Undefined without a choice. */
  model: string | undefined;
  onChange: (model: string) => void;
}

export function ModelPicker({ model, onChange }: Props) {
  const { label } = useText().models;
  const models = useModelChoices();
  if (!model) return null;
  return (
    <select
      className={styles.picker}
      aria-label={label}
      title={label}
      value={model}
      onChange={(event) => onChange(event.target.value)}
    >
      {models.map(({ name }) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
