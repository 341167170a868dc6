// Section for the instructions that hold for all answers.

import { InstructionsForm } from "../instructions/InstructionsForm";
import { useText } from "../text/text";
import { Section } from "../ui/Page";

export function AnswerInstructions() {
  const { instructions: texts } = useText();
  return (
    <Section title={texts.title} hint={texts.hint}>
      <InstructionsForm />
    </Section>
  );
}
