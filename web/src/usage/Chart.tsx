// Tokens per day as stacked bars: output above input. The table on the same page is
// the accessible alternative.

import { useLanguage, useText } from "../text/text";
import type { Day } from "./days";
import styles from "./Usage.module.css";

const WIDTH = 600;
const HEIGHT = 160;
const GAP = 4;

export function Chart({ days }: { days: readonly Day[] }) {
  const text = useText();
  const language = useLanguage();
  const numberFormat = new Intl.NumberFormat(language);
  const dateFormat = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const highest = Math.max(1, ...days.map(({ inputTokens, outputTokens }) => inputTokens + outputTokens));
  const step = WIDTH / days.length;
  const scale = (tokens: number) => (tokens / highest) * HEIGHT;
  const [first, last] = [days[0], days.at(-1)];
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.legend}>
        <span className={styles.input}>{text.usage.input}</span>
        <span className={styles.output}>{text.usage.output}</span>
        <span className={styles.highest}>{numberFormat.format(highest)}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={text.usage.chart} preserveAspectRatio="none">
        {days.map(({ date, inputTokens, outputTokens }, index) => (
          <g key={date} transform={`translate(${index * step + GAP / 2} 0)`}>
            <title>{`${dateFormat.format(new Date(date))}: ${numberFormat.format(inputTokens + outputTokens)} ${text.usage.tokens}`}</title>
            <rect width={step - GAP} height={HEIGHT} fill="transparent" />
            <rect
              className={styles.inputBar}
              y={HEIGHT - scale(inputTokens)}
              width={step - GAP}
              height={scale(inputTokens)}
            />
            <rect
              className={styles.outputBar}
              y={HEIGHT - scale(inputTokens + outputTokens)}
              width={step - GAP}
              height={scale(outputTokens)}
            />
          </g>
        ))}
      </svg>
      <div className={styles.axis} aria-hidden="true">
        <span>{first && dateFormat.format(new Date(first.date))}</span>
        <span>{last && dateFormat.format(new Date(last.date))}</span>
      </div>
    </figure>
  );
}
