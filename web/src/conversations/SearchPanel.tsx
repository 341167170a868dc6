// Finding something in the history: words, and filters, all of which stand in the address.

import { useNavigate } from "@tanstack/react-router";
import { ListFilter, Search, X } from "lucide-react";
import { lazy, type RefObject, useEffect, useMemo, useState } from "react";
import { useText } from "../text/text";
import { IconButton } from "../ui/IconButton";
import { OnDemand } from "../ui/OnDemand";
import { countOf, type Filters } from "./filters";
import styles from "./SearchPanel.module.css";

const OpenFilterMenu = lazy(() => import("./OpenFilterMenu"));

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
    <OnDemand
      opened={OpenFilterMenu}
      given={{ filters, set }}
      button={(open) => (
        <IconButton
          label={count > 0 ? text.search.filtersActive(count) : text.search.filters}
          aria-pressed={count > 0}
          {...(open && { onClick: open })}
        >
          <ListFilter size={17} />
        </IconButton>
      )}
    />
  );
}

/** Changes some filters of the address and leaves the others. */
export function useFiltering(): (filters: Filters) => void {
  const navigate = useNavigate();
  return useMemo(
    () => (filters) => {
      // A filter that is taken away is said to be undefined: one that is not mentioned would be kept.
      const search = (before: Record<string, unknown>) => ({ ...before, ...filters });
      void navigate({ to: ".", search: search as never, replace: true });
    },
    [navigate],
  );
}

/** What is being written, put into the address when the writing pauses. */
function useWords(q: string | undefined, set: (filters: Filters) => void) {
  const inAddress = q ?? "";
  const [words, setWords] = useState(inAddress);
  const [written, setWritten] = useState(inAddress);
  const [seen, setSeen] = useState(inAddress);
  if (inAddress !== seen) {
    setSeen(inAddress);
    // Changed from elsewhere: going back, or a link. What was written here arrives in the address later.
    if (inAddress !== written) {
      setWords(inAddress);
      setWritten(inAddress);
    }
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
