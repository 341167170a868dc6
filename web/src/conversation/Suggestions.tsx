// Questions that the language model suggests after the last answer, on demand.

import { useMutation } from "@tanstack/react-query";
import { Lightbulb } from "lucide-react";
import { api, unwrap } from "../api/client";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Alert } from "../ui/Notice";
import { useHasModels } from "./models";
import styles from "./Suggestions.module.css";

interface Props {
  conversationId: string;
  answerId: string;
  onAsk: (question: string) => void;
}

/** Not shown without a language model. */
export function Suggestions({ conversationId, answerId, onAsk }: Props) {
  const text = useText();
  const hasModels = useHasModels();
  const suggest = useMutation({ mutationFn: () => fetchSuggestions(conversationId, answerId), retry: false });
  if (!hasModels) return null;
  return (
    <section className={styles.suggestions} aria-label={text.suggestions.label}>
      {suggest.data ? (
        <ul className={styles.list}>
          {suggest.data.map((question) => (
            <li key={question}>
              <button type="button" className={styles.question} dir="auto" onClick={() => onAsk(question)}>
                {question}
              </button>
            </li>
          ))}
        </ul>
      ) : (
        <Button size="small" kind="quiet" disabled={suggest.isPending} onClick={() => suggest.mutate()}>
          <Lightbulb size={15} aria-hidden="true" />
          {suggest.isPending ? text.suggestions.waiting : text.suggestions.action}
        </Button>
      )}
      {suggest.isError && <Alert>{errorMessage(suggest.error, text)}</Alert>}
    </section>
  );
}

async function fetchSuggestions(conversationId: string, answerId: string): Promise<readonly string[]> {
  const params = { path: { conversation_id: conversationId, answer_id: answerId } };
  const path = "/v1/conversations/{conversation_id}/answers/{answer_id}/suggestions";
  return (await unwrap(api.POST(path, { params }))).items;
}
