// What became of an erasure, store by store. Whoever has the receipt may look: the account is gone.

import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Check, LoaderCircle } from "lucide-react";
import { Door } from "../account/Door";
import { problemOf } from "../api/problem";
import { inWords } from "../text/failures";
import { useLanguage, useText } from "../text/text";
import { Alert } from "../ui/Notice";
import styles from "./Settings.module.css";

const LOOK_AGAIN_MS = 1500;

interface Erasure {
  receipt: string;
  requested_at: string;
  finished_at: string | null;
  stores: { store: string; erased_at: string | null }[];
}

export default function ErasurePage() {
  const text = useText();
  const { receipt } = useParams({ strict: false });
  const when = new Intl.DateTimeFormat(useLanguage(), { dateStyle: "medium", timeStyle: "medium" });
  const { data, error } = useQuery({
    queryKey: ["erasure", receipt],
    queryFn: async ({ signal }): Promise<Erasure> => {
      const answer = await fetch(`/v1/erasures/${encodeURIComponent(receipt ?? "")}`, { signal });
      if (!answer.ok) throw await problemOf(answer);
      return answer.json();
    },
    refetchInterval: ({ state }) => (state.data?.finished_at ? false : LOOK_AGAIN_MS),
  });
  return (
    <Door title={text.settings.erased} action={text.settings.erased} hint={text.settings.erasedHint}>
      <p className={styles.receipt}>
        {text.settings.receipt}: <code>{receipt}</code>
      </p>
      {error && <Alert>{inWords(error, text)}</Alert>}
      <ul className={styles.list} aria-live="polite">
        {data?.stores.map(({ store, erased_at }) => (
          <li key={store} className={styles.line}>
            <span>{store}</span>
            <span className={styles.small}>
              {erased_at ? <Check size={15} aria-hidden="true" /> : <LoaderCircle size={15} aria-hidden="true" />}
              {erased_at ? when.format(new Date(erased_at)) : text.settings.pending}
            </span>
          </li>
        ))}
      </ul>
      <p className={styles.small}>
        <Link to="/sign-up">{text.signIn.otherAction}</Link>
      </p>
    </Door>
  );
}
