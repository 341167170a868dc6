// Finding something in the history: words, and filters, all of which stand in the address.

import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ListFilter, Search, X } from "lucide-react";
import { Popover } from "radix-ui";
import { type RefObject, useEffect, useMemo, useState } from "react";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { IconButton } from "../ui/IconButton";
import { countOf, FILTER_NAMES, type Filters } from "./filters";
import { listed } from "./queries";
import styles from "./SearchPanel.module.css";

/** How long the writing must pause before it is searched. */
const PAUSE_MS = 200;

interface Props {
  filters: Filters;
  input: RefObject<HTMLInputElement | null>;
}

export function SearchPanel({ filters, input }: Props) {
  const text = useText();
  const set = useFiltering();
  const [words, setWords] = useWords(filters.q, set);
  return (
    <search className={styles.panel}>
      <div className={styles.box}>
        <Search size={16} aria-hidden="true" />
        <input
          ref={input}
          className={styles.input}
          type="search"
          aria-label={text.search.label}
          placeholder={text.search.placeholder}
          value={words}
          maxLength={500}
          onChange={(event) => setWords(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            setWords("");
            event.currentTarget.blur();
          }}
        />
        {words && (
          <IconButton label={text.search.clear} onClick={() => setWords("")}>
            <X size={15} />
          </IconButton>
        )}
      </div>
      <FilterMenu filters={filters} set={set} />
    </search>
  );
}

function FilterMenu({ filters, set }: { filters: Filters; set: (filters: Filters) => void }) {
  const text = useText();
  const count = countOf(filters);
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <IconButton label={count > 0 ? text.search.filtersActive(count) : text.search.filters} aria-pressed={count > 0}>
          <ListFilter size={17} />
        </IconButton>
      </Popover.Trigger>
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

/** Changes some filters of the address and leaves the others. */
export function useFiltering(): (filters: Filters) => void {
  const navigate = useNavigate();
  return useMemo(
    () => (filters) => {
      const search = (before: Record<string, unknown>) => {
        const after: Record<string, unknown> = { ...before, ...filters };
        return Object.fromEntries(
          Object.entries(after).filter(
            ([name, value]) => value !== undefined || !FILTER_NAMES.some((one) => one === name),
          ),
        );
      };
      void navigate({ to: ".", search: search as never, replace: true });
    },
    [navigate],
  );
}

/** What is being written, put into the address when the writing pauses. */
function useWords(q: string | undefined, set: (filters: Filters) => void) {
  const [words, setWords] = useState(q ?? "");
  const [written, setWritten] = useState(q ?? "");
  if ((q ?? "") !== written && words.trim() === written) {
    // Changed from elsewhere: going back, or a link.
    setWords(q ?? "");
    setWritten(q ?? "");
  }
  useEffect(() => {
    const next = words.trim();
    if (next === written) return;
    const timer = setTimeout(() => {
      setWritten(next);
      set({ q: next || undefined });
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [words, written, set]);
  return [words, setWords] as const;
}
