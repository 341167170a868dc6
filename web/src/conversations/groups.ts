// The list of conversations under headings: pinned ones, then by day. Pure.

import type { ConversationRow } from "../api/types";
import type { Texts } from "../text/text";

export type ListItem =
  | { type: "heading"; key: string; label: string }
  | { type: "row"; key: string; row: ConversationRow };

type Labels = Pick<Texts["conversations"], "pinned" | "today" | "yesterday" | "lastWeek" | "lastMonth">;

/** The rows in their order, with a heading wherever another group begins. */
export function grouped(rows: readonly ConversationRow[], now: Date, labels: Labels, language: string): ListItem[] {
  const label = labeller(now, labels, language);
  const items: ListItem[] = [];
  let current: string | undefined;
  for (const row of rows) {
    const group = row.pinned ? labels.pinned : label(row.updated_at);
    if (group !== current) items.push({ type: "heading", key: `${group} ${row.id}`, label: group });
    current = group;
    items.push({ type: "row", key: row.id, row });
  }
  return items;
}

function labeller(now: Date, labels: Labels, language: string): (at: string) => string {
  const daysAgo = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() - days).getTime();
  const [today, yesterday, week, month] = [daysAgo(0), daysAgo(1), daysAgo(7), daysAgo(30)] as const;
  const months = new Intl.DateTimeFormat(language, { month: "long", year: "numeric" });
  return (at) => {
    const time = Date.parse(at);
    if (time >= today) return labels.today;
    if (time >= yesterday) return labels.yesterday;
    if (time >= week) return labels.lastWeek;
    if (time >= month) return labels.lastMonth;
    return months.format(time);
  };
}
