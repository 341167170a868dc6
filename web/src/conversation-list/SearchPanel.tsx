// The search field and the filters of the list. Both are kept in the address.

import { useNavigate } from "@tanstack/react-router";
import { ListFilter, Search, X } from "lucide-react";
import { lazy, type RefObject, useEffect, useMemo, useState } from "react";
import { useText } from "../text/text";
import { IconButton } from "../ui/IconButton";
import { keyOf } from "../ui/keys";
import { LazyPopup } from "../ui/LazyPopup";
import { countFilters, type Filters } from "./filters";
import styles from "./SearchPanel.module.css";

const FilterPopup = lazy(() => import("./FilterPopup"));

/** The search starts after typing has paused for this long. */
const DEBOUNCE_MS = 200;

interface Props {
  filters: Filters;
  input: RefObject<HTMLInputElement | null>;
}

export function SearchPanel({ filters, input }: Props) {
  const text = useText();
  const setFilters = useSetFilters();
  const [words, setWords] = useSearchWords(filters.q, setFilters);
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
            if (keyOf(event.nativeEvent) !== "Escape") return;
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
      <FilterMenu filters={filters} setFilters={setFilters} />
    </search>
  );
}

interface FilterMenuProps {
  filters: Filters;
  setFilters: (filters: Filters) => void;
}

function FilterMenu({ filters, setFilters }: FilterMenuProps) {
  const text = useText();
  const count = countFilters(filters);
  return (
    <LazyPopup
      popup={FilterPopup}
      popupProps={{ filters, setFilters }}
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

/** Changes the given filters in the address and keeps the others. A filter set to undefined is removed. */
function useSetFilters(): (filters: Filters) => void {
  const navigate = useNavigate();
  return useMemo(
    () => (filters) => {
      void navigate({ to: ".", search: (current) => ({ ...current, ...filters }), replace: true });
    },
    [navigate],
  );
}

/** The text of the search field. It is written to the address after typing has paused. */
function useSearchWords(q: string | undefined, setFilters: (filters: Filters) => void) {
  const inAddress = q ?? "";
  const [words, setWords] = useState(inAddress);
  const [written, setWritten] = useState(inAddress);
  const [seen, setSeen] = useState(inAddress);
  if (inAddress !== seen) {
    setSeen(inAddress);
    // The address was changed by a link or the back button, not by this field.
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
      setFilters({ q: next || undefined });
    }, DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [words, written, setFilters]);
  return [words, setWords] as const;
}
