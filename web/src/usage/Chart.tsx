// Amounts per day as stacked bars. The table on the same page is the accessible alternative.

import { useLanguage } from "../text/text";
import type { Day } from "./days";
import styles from "./Usage.module.css";

const WIDTH = 600;
const HEIGHT = 160;
const GAP = 4;

/** One part of each bar. Later series are above earlier ones. */
export interface Series {
  label: string;
  shade: "light" | "dark";
  amountOf: (day: Day) => number;
}

interface Props {
  title: string;
  /** Follows the sum of a day. */
  unit: string;
  days: readonly Day[];
  series: readonly Series[];
}

export function Chart({ title, unit, days, series }: Props) {
  const language = useLanguage();
  const numberFormat = new Intl.NumberFormat(language);
  const dateFormat = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const sums = days.map((day) => series.reduce((sum, { amountOf }) => sum + amountOf(day), 0));
  const highest = Math.max(1, ...sums);
  const step = WIDTH / days.length;
  const [first, last] = [days[0], days.at(-1)];
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.legend}>
        {series.map(({ label, shade }) => (
          <span key={label} className={styles.label} data-shade={shade}>
            {label}
          </span>
        ))}
        <span className={styles.highest}>{numberFormat.format(highest)}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={title} preserveAspectRatio="none">
        {days.map((day, index) => (
          <g key={day.date} transform={`translate(${index * step + GAP / 2} 0)`}>
            <title>{`${dateFormat.format(new Date(day.date))}: ${numberFormat.format(sums[index] ?? 0)} ${unit}`}</title>
            <rect width={step - GAP} height={HEIGHT} fill="transparent" />
            {barsOf(day, series, highest).map(({ label, shade, y, height }) => (
              <rect key={label} className={styles.bar} data-shade={shade} y={y} width={step - GAP} height={height} />
            ))}
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

function barsOf(day: Day, series: readonly Series[], highest: number) {
  let top = HEIGHT;
  return series.map(({ label, shade, amountOf }) => {
    const height = (amountOf(day) / highest) * HEIGHT;
    top -= height;
    return { label, shade, y: top, height };
  });
}
