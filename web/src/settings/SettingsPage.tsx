// Settings: profile, appearance, password, sessions and data.

import { useText } from "../text/text";
import { Page } from "../ui/Page";
import { AnswerInstructions } from "./AnswerInstructions";
import { Appearance } from "./Appearance";
import { Data } from "./Data";
import { Password, Profile } from "./Profile";
import { Sessions } from "./Sessions";

export default function SettingsPage() {
  const text = useText();
  return (
    <Page title={text.settings.title}>
      <Profile />
      <Appearance />
      <AnswerInstructions />
      <Password />
      <Sessions />
      <Data />
    </Page>
  );
}
