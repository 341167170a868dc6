// Where somebody is signed in, and ending it.

import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { endOtherSessions, endSession, listSessions } from "../account/auth";
import { inWords } from "../text/failures";
import { useLanguage, useText } from "../text/text";
import { Button } from "../ui/Button";
import { Alert } from "../ui/Notice";
import { Section } from "../ui/Page";
import { deviceOf } from "./device";
import styles from "./Settings.module.css";

export const sessions = queryOptions({ queryKey: ["sessions"], queryFn: listSessions });

export function Sessions() {
  const text = useText();
  const queries = useQueryClient();
  const { data, error } = useQuery(sessions);
  const onSuccess = () => queries.invalidateQueries({ queryKey: sessions.queryKey });
  const ending = useMutation({ mutationFn: endSession, onSuccess });
  const endingOthers = useMutation({ mutationFn: endOtherSessions, onSuccess });
  const when = new Intl.DateTimeFormat(useLanguage(), { dateStyle: "medium", timeStyle: "short" });
  const failure = error ?? ending.error ?? endingOthers.error;
  return (
    <Section title={text.settings.sessions} hint={text.settings.sessionsHint}>
      {failure && <Alert>{inWords(failure, text)}</Alert>}
      <ul className={styles.list}>
        {data?.map(({ id, token, userAgent, updatedAt, current }) => (
          <li key={id} className={styles.line}>
            <div>
              <p>{deviceOf(userAgent) ?? text.settings.unknownDevice}</p>
              <p className={styles.small}>{text.settings.lastSeen(when.format(updatedAt))}</p>
            </div>
            {current ? (
              <span className={styles.here}>{text.settings.thisSession}</span>
            ) : (
              <Button size="small" disabled={ending.isPending} onClick={() => ending.mutate(token)}>
                {text.settings.endSession}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {data && data.length > 1 && (
        <div className={styles.actions}>
          <Button disabled={endingOthers.isPending} onClick={() => endingOthers.mutate()}>
            {text.settings.endOthers}
          </Button>
        </div>
      )}
    </Section>
  );
}
