// The start: nothing asked yet.

import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { session } from "../account/session";
import { newId } from "../api/ids";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { DocumentTitle } from "../ui/DocumentTitle";
import { Logo } from "../ui/Logo";
import { Composer } from "./Composer";
import { useAsking } from "./commands";
import { NEW } from "./drafts";
import styles from "./NewConversationPage.module.css";

export function NewConversationPage() {
  const text = useText();
  const { data: person } = useSuspenseQuery(session);
  const asking = useAsking();
  const navigate = useNavigate();
  const begin = (question: string) => {
    const conversationId = newId();
    asking.ask(conversationId, [], question);
    void navigate({ to: "/c/$conversationId", params: { conversationId } });
  };
  return (
    <div className={styles.page}>
      <DocumentTitle>{text.name}</DocumentTitle>
      <div className={styles.middle}>
        <Logo size={48} />
        <h1 className={styles.title}>{text.conversation.empty}</h1>
        <p className={styles.hint}>{text.conversation.emptyHint}</p>
        <ul className={styles.suggestions}>
          {text.conversation.suggestions.map((suggestion) => (
            <li key={suggestion}>
              <Button size="small" onClick={() => begin(suggestion)}>
                {suggestion}
              </Button>
            </li>
          ))}
        </ul>
      </div>
      <div className={styles.foot}>
        <Composer owner={person?.id ?? ""} conversationId={NEW} onAsk={begin} />
      </div>
    </div>
  );
}
