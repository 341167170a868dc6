// The progress of an account's erasure, store by store. Accessible with the receipt alone, because the
// account no longer exists.

import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Check, LoaderCircle } from "lucide-react";
import { AuthCard } from "../account/AuthCard";
import { publicApi, unwrap } from "../api/client";
import { errorMessage } from "../text/errorMessage";
import { useLanguage, useText } from "../text/text";
import { Alert } from "../ui/Notice";
import styles from "./Settings.module.css";

const REFETCH_MS = 1500;

export default function ErasurePage() {
  const text = useText();
  const { receipt } = useParams({ from: "/erasures/$receipt" });
  const dateFormat = new Intl.DateTimeFormat(useLanguage(), { dateStyle: "medium", timeStyle: "medium" });
  const { data, error } = useQuery({
    queryKey: ["erasure", receipt],
    queryFn: ({ signal }) => unwrap(publicApi.GET("/v1/erasures/{receipt}", { params: { path: { receipt } }, signal })),
    refetchInterval: ({ state }) => (state.data?.finished_at ? false : REFETCH_MS),
  });
  return (
    <AuthCard title={text.erasure.title} hint={text.erasure.hint}>
      <p className={styles.receipt}>
        {text.erasure.receipt}: <code>{receipt}</code>
      </p>
      {error && <Alert>{errorMessage(error, text)}</Alert>}
      <ul className={styles.list} aria-live="polite">
        {data?.stores.map(({ store, erased_at }) => (
          <li key={store} className={styles.line}>
            <span>{store}</span>
            <span className={styles.small}>
              <Check size={15} aria-hidden="true" /> {dateFormat.format(new Date(erased_at))}
            </span>
          </li>
        ))}
        {data && !data.finished_at && (
          <li className={styles.small}>
            <LoaderCircle size={15} aria-hidden="true" /> {text.erasure.pending}
          </li>
        )}
      </ul>
      <p className={styles.small}>
        <Link to="/sign-up">{text.signIn.switchAction}</Link>
      </p>
    </AuthCard>
  );
}
