// Tokens per day as bars: written upon read. The table beside it says the same to whoever cannot see it.

import { useLanguage, useText } from "../text/text";
import type { Day } from "./days";
import styles from "./Usage.module.css";

const WIDTH = 600;
const HEIGHT = 160;
const GAP = 4;

export function Chart({ days }: { days: readonly Day[] }) {
  const text = useText();
  const language = useLanguage();
  const number = new Intl.NumberFormat(language);
  const date = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const highest = Math.max(1, ...days.map(({ read, written }) => read + written));
  const step = WIDTH / days.length;
  const scale = (tokens: number) => (tokens / highest) * HEIGHT;
  const [first, last] = [days[0], days.at(-1)];
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.legend}>
        <span className={styles.read}>{text.usage.read}</span>
        <span className={styles.written}>{text.usage.written}</span>
        <span className={styles.highest}>{number.format(highest)}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={text.usage.chart} preserveAspectRatio="none">
        {days.map(({ day, read, written }, index) => (
          <g key={day} transform={`translate(${index * step + GAP / 2} 0)`}>
            <title>{`${date.format(new Date(day))}: ${number.format(read + written)} ${text.usage.tokens}`}</title>
            <rect width={step - GAP} height={HEIGHT} fill="transparent" />
            <rect className={styles.readBar} y={HEIGHT - scale(read)} width={step - GAP} height={scale(read)} />
            <rect
              className={styles.writtenBar}
              y={HEIGHT - scale(read + written)}
              width={step - GAP}
              height={scale(written)}
            />
          </g>
        ))}
      </svg>
      <div className={styles.axis} aria-hidden="true">
        <span>{first && date.format(new Date(first.day))}</span>
        <span>{last && date.format(new Date(last.day))}</span>
      </div>
    </figure>
  );
}
