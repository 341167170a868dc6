// The popover with the filters of the list.

import { useQueryClient } from "@tanstack/react-query";
import { Popover } from "radix-ui";
import { type ReactElement, useMemo } from "react";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { countFilters, type Filters } from "./filters";
import { cachedRows } from "./queries";
import styles from "./SearchPanel.module.css";

interface Props {
  filters: Filters;
  setFilters: (filters: Filters) => void;
  button: ReactElement;
}

export default function FilterPopup({ filters, setFilters, button }: Props) {
  const text = useText();
  const count = countFilters(filters);
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
        <Checkbox
          label={text.search.pinnedOnly}
          checked={filters.pinned}
          onChange={(pinned) => setFilters({ pinned })}
        />
        <Checkbox
          label={text.search.archivedOnly}
          checked={filters.archived}
          onChange={(archived) => setFilters({ archived })}
        />
        <TagField tag={filters.tag} onChange={(tag) => setFilters({ tag })} />
        <div className={styles.dates}>
          <DateField label={text.search.from} date={filters.from} onChange={(from) => setFilters({ from })} />
          <DateField label={text.search.to} date={filters.to} onChange={(to) => setFilters({ to })} />
        </div>
        <Button
          size="small"
          disabled={count === 0}
          onClick={() =>
            setFilters({ tag: undefined, pinned: undefined, archived: undefined, from: undefined, to: undefined })
          }
        >
          {text.search.reset}
        </Button>
      </Popover.Content>
    </Popover.Root>
  );
}

interface CheckboxProps {
  label: string;
  checked: true | undefined;
  onChange: (checked: true | undefined) => void;
}

function Checkbox({ label, checked, onChange }: CheckboxProps) {
  return (
    <label className={styles.checkbox}>
      <input
        type="checkbox"
        checked={checked === true}
        onChange={(event) => onChange(event.target.checked || undefined)}
      />
      {label}
    </label>
  );
}

interface TagFieldProps {
  tag: string | undefined;
  onChange: (tag: string | undefined) => void;
}

/** Suggests the tags of the cached conversations and accepts any other. */
function TagField({ tag, onChange }: TagFieldProps) {
  const text = useText();
  const queries = useQueryClient();
  const suggestions = useMemo(() => [...new Set(cachedRows(queries).flatMap(({ tags }) => tags))].sort(), [queries]);
  return (
    <>
      <Field
        label={text.search.tag}
        list="known-tags"
        placeholder={text.search.anyTag}
        maxLength={50}
        value={tag ?? ""}
        onChange={(event) => onChange(event.target.value || undefined)}
      />
      <datalist id="known-tags">
        {suggestions.map((suggestion) => (
          <option key={suggestion} value={suggestion} />
        ))}
      </datalist>
    </>
  );
}

interface DateFieldProps {
  label: string;
  date: string | undefined;
  onChange: (date: string | undefined) => void;
}

function DateField({ label, date, onChange }: DateFieldProps) {
  return (
    <Field
      label={label}
      type="date"
      value={date ?? ""}
      onChange={(event) => onChange(event.target.value || undefined)}
    />
  );
}
