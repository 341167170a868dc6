// The start page: asking starts a new conversation.

import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { userQuery } from "../account/session";
import { newId } from "../api/ids";
import { NEW_CONVERSATION } from "../storage/drafts";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { DocumentTitle } from "../ui/DocumentTitle";
import { Logo } from "../ui/Logo";
import { Composer } from "./Composer";
import { useAnswerCommands } from "./commands";
import { ModelPicker } from "./ModelPicker";
import { useModelName } from "./models";
import styles from "./NewConversationPage.module.css";

export function NewConversationPage() {
  const text = useText();
  const { data: user } = useSuspenseQuery(userQuery);
  const commands = useAnswerCommands();
  const navigate = useNavigate();
  const [chosen, setModel] = useState<string>();
  const model = useModelName(chosen);
  const start = (question: string, documents: readonly string[] = [], tags: readonly string[] = []) => {
    const conversationId = newId();
    commands.ask(conversationId, [], question, { model, documents, tags });
    void navigate({ to: "/c/$conversationId", params: { conversationId } });
  };
  return (
    <div className={styles.page}>
      <DocumentTitle>{text.name}</DocumentTitle>
      <div className={styles.welcome}>
        <Logo size={48} />
        <h1 className={styles.title}>{text.conversation.empty}</h1>
        <p className={styles.hint}>{text.conversation.emptyHint}</p>
        <ul className={styles.suggestions}>
          {text.conversation.suggestions.map((suggestion) => (
            <li key={suggestion}>
              <Button size="small" onClick={() => start(suggestion)}>
                {suggestion}
              </Button>
            </li>
          ))}
        </ul>
      </div>
      <div className={styles.foot}>
        <ModelPicker model={model} onChange={setModel} />
        <Composer owner={user?.id ?? ""} conversationId={NEW_CONVERSATION} onAsk={start} />
      </div>
    </div>
  );
}
