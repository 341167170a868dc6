// Section with the user's sessions.

import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { listSessions, revokeOtherSessions, revokeSession } from "../account/auth";
import { errorMessage } from "../text/errorMessage";
import { useLanguage, useText } from "../text/text";
import { Button } from "../ui/Button";
import { Alert } from "../ui/Notice";
import { Section } from "../ui/Page";
import { deviceName } from "./deviceName";
import styles from "./Settings.module.css";

export const sessionsQuery = queryOptions({ queryKey: ["sessions"], queryFn: listSessions });

export function Sessions() {
  const text = useText();
  const queries = useQueryClient();
  const { data, error } = useQuery(sessionsQuery);
  const onSuccess = () => queries.invalidateQueries({ queryKey: sessionsQuery.queryKey });
  const revocation = useMutation({ mutationFn: revokeSession, onSuccess });
  const revocationOfOthers = useMutation({ mutationFn: revokeOtherSessions, onSuccess });
  const dateFormat = new Intl.DateTimeFormat(useLanguage(), { dateStyle: "medium", timeStyle: "short" });
  const failure = error ?? revocation.error ?? revocationOfOthers.error;
  return (
    <Section title={text.settings.sessions} hint={text.settings.sessionsHint}>
      {failure && <Alert>{errorMessage(failure, text)}</Alert>}
      <ul className={styles.list}>
        {data?.map(({ id, token, userAgent, updatedAt, current }) => (
          <li key={id} className={styles.line}>
            <div>
              <p>{deviceName(userAgent) ?? text.settings.unknownDevice}</p>
              <p className={styles.small}>{text.settings.lastRenewed(dateFormat.format(updatedAt))}</p>
            </div>
            {current ? (
              <span className={styles.current}>{text.settings.currentSession}</span>
            ) : (
              <Button size="small" disabled={revocation.isPending} onClick={() => revocation.mutate(token)}>
                {text.settings.revokeSession}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {data && data.length > 1 && (
        <div className={styles.actions}>
          <Button disabled={revocationOfOthers.isPending} onClick={() => revocationOfOthers.mutate()}>
            {text.settings.revokeOthers}
          </Button>
        </div>
      )}
    </Section>
  );
}
