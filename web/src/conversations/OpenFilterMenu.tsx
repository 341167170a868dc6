// The open card of the filters.

import { useQueryClient } from "@tanstack/react-query";
import { Popover } from "radix-ui";
import { type ReactElement, useMemo } from "react";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { countOf, type Filters } from "./filters";
import { listed } from "./queries";
import styles from "./SearchPanel.module.css";

interface Props {
  filters: Filters;
  set: (filters: Filters) => void;
  button: ReactElement;
}

export default function OpenFilterMenu({ filters, set, button }: Props) {
  const text = useText();
  const count = countOf(filters);
  return (
    <Popover.Root defaultOpen>
      <Popover.Trigger asChild>{button}</Popover.Trigger>
      <Popover.Content
        className={styles.card}
        align="end"
        sideOffset={6}
        collisionPadding={12}
        aria-label={text.search.filters}
      >
        <Tick label={text.search.pinnedOnly} on={filters.pinned} set={(pinned) => set({ pinned })} />
        <Tick label={text.search.archivedOnly} on={filters.archived} set={(archived) => set({ archived })} />
        <Tags tag={filters.tag} set={(tag) => set({ tag })} />
        <div className={styles.days}>
          <Day label={text.search.from} day={filters.from} set={(from) => set({ from })} />
          <Day label={text.search.to} day={filters.to} set={(to) => set({ to })} />
        </div>
        <Button
          size="small"
          disabled={count === 0}
          onClick={() =>
            set({ tag: undefined, pinned: undefined, archived: undefined, from: undefined, to: undefined })
          }
        >
          {text.search.reset}
        </Button>
      </Popover.Content>
    </Popover.Root>
  );
}

function Tick({ label, on, set }: { label: string; on: true | undefined; set: (on: true | undefined) => void }) {
  return (
    <label className={styles.tick}>
      <input type="checkbox" checked={on === true} onChange={(event) => set(event.target.checked || undefined)} />
      {label}
    </label>
  );
}

/** The tags seen so far are offered; any other can be written. */
function Tags({ tag, set }: { tag: string | undefined; set: (tag: string | undefined) => void }) {
  const text = useText();
  const queries = useQueryClient();
  const known = useMemo(() => [...new Set(listed(queries).flatMap(({ tags }) => tags))].sort(), [queries]);
  return (
    <>
      <Field
        label={text.search.tag}
        list="known-tags"
        placeholder={text.search.anyTag}
        maxLength={50}
        value={tag ?? ""}
        onChange={(event) => set(event.target.value || undefined)}
      />
      <datalist id="known-tags">
        {known.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
    </>
  );
}

function Day({ label, day, set }: { label: string; day: string | undefined; set: (day: string | undefined) => void }) {
  return (
    <Field label={label} type="date" value={day ?? ""} onChange={(event) => set(event.target.value || undefined)} />
  );
}
