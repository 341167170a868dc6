// Answers and tokens of the user, per day and model.

import { useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import type { Usage } from "../api/types";
import { errorMessage } from "../text/errorMessage";
import { useLanguage, useText } from "../text/text";
import { Alert } from "../ui/Notice";
import { Page, Section } from "../ui/Page";
import { Chart } from "./Chart";
import { type Day, dateOf, daysBefore, hasTokens, usagePerDay } from "./days";
import styles from "./Usage.module.css";

const DAYS = 30;

export default function UsagePage() {
  const text = useText();
  const today = new Date();
  const from = dateOf(daysBefore(today, DAYS - 1));
  const { data, error } = useQuery({
    queryKey: ["usage", from],
    queryFn: ({ signal }) => unwrap(api.GET("/v1/usage", { params: { query: { from } }, signal })),
  });
  return (
    <Page title={text.usage.title} hint={text.usage.hint}>
      {error && <Alert>{errorMessage(error, text)}</Alert>}
      {data && data.items.length === 0 && <p>{text.usage.none}</p>}
      {data && data.items.length > 0 && (
        <>
          <Charts days={usagePerDay(data.items, today, DAYS)} />
          <Table items={data.items} />
        </>
      )}
    </Page>
  );
}

/** Quoted answers need no tokens, so the answers have a chart of their own. */
function Charts({ days }: { days: readonly Day[] }) {
  const text = useText();
  const { answers, answersChart, input, output, tokens, tokensChart } = text.usage;
  return (
    <>
      <Section title={answersChart}>
        <Chart
          title={answersChart}
          unit={answers}
          days={days}
          series={[{ label: answers, shade: "dark", amountOf: (day) => day.answers }]}
        />
      </Section>
      {hasTokens(days) && (
        <Section title={tokensChart}>
          <Chart
            title={tokensChart}
            unit={tokens}
            days={days}
            series={[
              { label: input, shade: "light", amountOf: ({ inputTokens }) => inputTokens },
              { label: output, shade: "dark", amountOf: ({ outputTokens }) => outputTokens },
            ]}
          />
        </Section>
      )}
    </>
  );
}

function Table({ items }: { items: Usage["items"] }) {
  const text = useText();
  const language = useLanguage();
  const numberFormat = new Intl.NumberFormat(language);
  const dateFormat = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable table must be focusable
    <div className={styles.wide} tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{text.usage.day}</th>
            <th scope="col">{text.usage.model}</th>
            <th scope="col">{text.usage.answers}</th>
            <th scope="col">{text.usage.input}</th>
            <th scope="col">{text.usage.output}</th>
          </tr>
        </thead>
        <tbody>
          {items.map(({ day, model, answers, prompt_tokens, completion_tokens }) => (
            <tr key={`${day} ${model}`}>
              <th scope="row">{dateFormat.format(new Date(day))}</th>
              <td>{model === "quote" ? text.usage.quote : model}</td>
              <td>{numberFormat.format(answers)}</td>
              <td>{numberFormat.format(prompt_tokens)}</td>
              <td>{numberFormat.format(completion_tokens)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
