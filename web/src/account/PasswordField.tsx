// The field of a password: an existing one, or one that is chosen.

import { useText } from "../text/text";
import { Field } from "../ui/Field";
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from "./passwords";

interface Props {
  isNew: boolean;
  label?: string;
}

export function PasswordField({ isNew, label }: Props) {
  const text = useText();
  const rules = {
    minLength: MIN_PASSWORD_LENGTH,
    maxLength: MAX_PASSWORD_LENGTH,
    hint: text.account.passwordHint,
  };
  return (
    <Field
      label={label ?? text.account.password}
      name="password"
      type="password"
      autoComplete={isNew ? "new-password" : "current-password"}
      required
      {...(isNew && rules)}
    />
  );
}
