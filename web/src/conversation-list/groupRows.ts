// Groups the list of conversations under headings: pinned, then by day. Pure.

import type { ConversationRow } from "../api/types";
import type { Texts } from "../text/text";

export type ListItem =
  | { type: "heading"; key: string; label: string }
  | { type: "row"; key: string; row: ConversationRow };

type Labels = Pick<Texts["conversations"], "pinned" | "today" | "yesterday" | "lastWeek" | "lastMonth">;

/** The rows in the given order, with a heading before the first row of each group. */
export function groupRows(rows: readonly ConversationRow[], now: Date, labels: Labels, language: string): ListItem[] {
  const dayLabel = dayLabels(now, labels, language);
  const items: ListItem[] = [];
  let current: string | undefined;
  for (const row of rows) {
    const group = row.pinned ? labels.pinned : dayLabel(row.updated_at);
    if (group !== current) items.push({ type: "heading", key: `${group} ${row.id}`, label: group });
    current = group;
    items.push({ type: "row", key: row.id, row });
  }
  return items;
}

/** A function that names the group of a time. Computes the limits of the groups once. */
function dayLabels(now: Date, labels: Labels, language: string): (time: string) => string {
  const daysAgo = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() - days).getTime();
  const [today, yesterday, week, month] = [daysAgo(0), daysAgo(1), daysAgo(7), daysAgo(30)] as const;
  const monthFormat = new Intl.DateTimeFormat(language, { month: "long", year: "numeric" });
  return (time) => {
    const at = Date.parse(time);
    if (at >= today) return labels.today;
    if (at >= yesterday) return labels.yesterday;
    if (at >= week) return labels.lastWeek;
    if (at >= month) return labels.lastMonth;
    return monthFormat.format(at);
  };
}
