// The sidebar: search, the list of conversations, and the account menu.

import { useSuspenseQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { PanelLeftClose, SquarePen } from "lucide-react";
import { type RefObject, useRef } from "react";
import { userQuery } from "../account/session";
import { ConversationList } from "../conversation-list/ConversationList";
import { SearchPanel } from "../conversation-list/SearchPanel";
import { SearchResults } from "../conversation-list/SearchResults";
import { useText } from "../text/text";
import { Button, buttonClass } from "../ui/Button";
import { Logo } from "../ui/Logo";
import { AccountMenu } from "./AccountMenu";
import styles from "./AppLayout.module.css";

interface Props {
  searchInput: RefObject<HTMLInputElement | null>;
  onShowShortcuts: () => void;
  /** Shows a close button. */
  onClose?: () => void;
}

export function Sidebar({ searchInput, onShowShortcuts, onClose }: Props) {
  const text = useText();
  const { data: user } = useSuspenseQuery(userQuery);
  const filters = useSearch({ from: "/layout" });
  const scroller = useRef<HTMLElement>(null);
  return (
    <div className={styles.sidebarContent}>
      <div className={styles.sidebarHeader}>
        <Logo />
        <span className={styles.name}>{text.name}</span>
        {onClose && (
          <Button kind="quiet" size="icon" aria-label={text.conversations.close} onClick={onClose}>
            <PanelLeftClose size={19} aria-hidden="true" />
          </Button>
        )}
      </div>
      <Link to="/" className={buttonClass()}>
        <SquarePen size={17} aria-hidden="true" /> {text.conversations.new}
      </Link>
      <SearchPanel filters={filters} input={searchInput} />
      <nav ref={scroller} className={styles.list} aria-label={text.conversations.title}>
        {filters.q ? <SearchResults filters={filters} /> : <ConversationList filters={filters} scroller={scroller} />}
      </nav>
      {user && <AccountMenu user={user} onShowShortcuts={onShowShortcuts} />}
    </div>
  );
}
