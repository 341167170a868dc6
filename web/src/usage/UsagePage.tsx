// How much was read and written for a person, by day and model.

import { useQuery } from "@tanstack/react-query";
import { api, dataOf } from "../api/client";
import type { Usage } from "../api/types";
import { inWords } from "../text/failures";
import { useLanguage, useText } from "../text/text";
import { Alert } from "../ui/Notice";
import { Page, Section } from "../ui/Page";
import { Chart } from "./Chart";
import { dayOf, daysOf } from "./days";
import styles from "./Usage.module.css";

const DAYS = 30;
const DAY_MS = 86_400_000;

export default function UsagePage() {
  const text = useText();
  const today = new Date();
  const from = dayOf(new Date(today.getTime() - (DAYS - 1) * DAY_MS));
  const { data, error } = useQuery({
    queryKey: ["usage", from],
    queryFn: ({ signal }) => dataOf(api.GET("/v1/usage", { params: { query: { from } }, signal })),
  });
  return (
    <Page title={text.usage.title} hint={text.usage.hint}>
      {error && <Alert>{inWords(error, text)}</Alert>}
      {data && data.items.length === 0 && <p>{text.usage.none}</p>}
      {data && data.items.length > 0 && (
        <>
          <Section title={text.usage.chart}>
            <Chart days={daysOf(data.items, today, DAYS)} />
          </Section>
          <Table items={data.items} />
        </>
      )}
    </Page>
  );
}

function Table({ items }: { items: Usage["items"] }) {
  const text = useText();
  const language = useLanguage();
  const number = new Intl.NumberFormat(language);
  const date = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a table that scrolls sideways must be reachable by keyboard
    <div className={styles.wide} tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{text.usage.day}</th>
            <th scope="col">{text.usage.model}</th>
            <th scope="col">{text.usage.answers}</th>
            <th scope="col">{text.usage.read}</th>
            <th scope="col">{text.usage.written}</th>
          </tr>
        </thead>
        <tbody>
          {items.map(({ day, model, answers, prompt_tokens, completion_tokens }) => (
            <tr key={`${day} ${model}`}>
              <th scope="row">{date.format(new Date(day))}</th>
              <td>{model === "quote" ? text.usage.quote : model}</td>
              <td>{number.format(answers)}</td>
              <td>{number.format(prompt_tokens)}</td>
              <td>{number.format(completion_tokens)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
