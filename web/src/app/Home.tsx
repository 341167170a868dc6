// The frame around everything that needs an account: the list of conversations beside the open page; on a phone, the
// list slides in over it.

import { useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useParams, useRouterState, useSearch } from "@tanstack/react-router";
import { Menu, PanelLeftClose, SquarePen } from "lucide-react";
import { lazy, type RefObject, Suspense, useCallback, useEffect, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { session } from "../account/session";
import { ConversationList } from "../conversations/ConversationList";
import { FoundList } from "../conversations/FoundList";
import { conversations } from "../conversations/queries";
import { SearchPanel } from "../conversations/SearchPanel";
import { useText } from "../text/text";
import { Button, buttonLooks } from "../ui/Button";
import { Logo } from "../ui/Logo";
import { Toasts } from "../ui/Toasts";
import { AccountMenu } from "./AccountMenu";
import styles from "./Home.module.css";
import { useLive } from "./live";
import { useShortcut } from "./shortcuts";
import { useInView } from "./useInView";

const ShortcutsDialog = lazy(() => import("./ShortcutsDialog"));

export function Home() {
  return (
    <Toasts>
      <Frame />
    </Toasts>
  );
}

function Frame() {
  const text = useText();
  const lost = useLive(useInView());
  const drawer = useRef<HTMLDialogElement>(null);
  const sidebar = useRef<HTMLInputElement>(null);
  const inDrawer = useRef<HTMLInputElement>(null);
  const [help, setHelp] = useState(false);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: wherever one goes, the drawer closes
  useEffect(() => drawer.current?.close(), [path]);
  // Drawn only while it is open: it is the same list once more.
  const [drawn, setDrawn] = useState(false);
  const openDrawer = useCallback(() => {
    flushSync(() => setDrawn(true));
    drawer.current?.showModal();
  }, []);
  const toSearch = useCallback(() => {
    // Where the list is beside the page, its field is in sight; else it is in the drawer.
    if (sidebar.current?.checkVisibility()) return sidebar.current.focus();
    openDrawer();
    inDrawer.current?.focus();
  }, [openDrawer]);
  const showHelp = useCallback(() => setHelp(true), []);
  useShortcut("search", toSearch);
  useShortcut("help", showHelp);
  useWays();
  return (
    <div className={styles.frame}>
      <a className={styles.skip} href="#content">
        {text.skipToContent}
      </a>
      <aside className={styles.sidebar}>
        <Sidebar search={sidebar} onHelp={showHelp} />
      </aside>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: by keyboard it closes with Escape, which the browser sees to */}
      <dialog
        ref={drawer}
        className={styles.drawer}
        aria-label={text.conversations.title}
        onClick={(event) => event.target === drawer.current && drawer.current.close()}
        onClose={() => setDrawn(false)}
      >
        <div className={styles.drawerBody}>
          {drawn && <Sidebar search={inDrawer} onHelp={showHelp} onClose={() => drawer.current?.close()} />}
        </div>
      </dialog>
      <header className={styles.bar}>
        <Button kind="quiet" size="icon" aria-label={text.conversations.open} onClick={openDrawer}>
          <Menu size={20} aria-hidden="true" />
        </Button>
        <span className={styles.name}>{text.name}</span>
        <Link to="/" className={buttonLooks({ kind: "quiet", size: "icon" })} aria-label={text.conversations.new}>
          <SquarePen size={19} aria-hidden="true" />
        </Link>
      </header>
      <main id="content" className={styles.content} tabIndex={-1}>
        {lost && (
          <p className={styles.lost} role="status">
            {text.connection.lost}
          </p>
        )}
        <Outlet />
      </main>
      {help && (
        <Suspense>
          <ShortcutsDialog onClose={() => setHelp(false)} />
        </Suspense>
      )}
    </div>
  );
}

/** The keys that lead from one conversation to another. */
function useWays(): void {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const filters = useSearch({ from: "/home" });
  const { conversationId } = useParams({ strict: false });
  const go = useCallback(
    (steps: number) => {
      const { q: _, ...listed } = filters;
      const rows = queries.getQueryData(conversations(listed).queryKey)?.pages.flatMap(({ items }) => items) ?? [];
      const at = rows.findIndex(({ id }) => id === conversationId);
      const next = rows[at === -1 ? 0 : at + steps];
      if (next) void navigate({ to: "/c/$conversationId", params: { conversationId: next.id } });
    },
    [navigate, queries, filters, conversationId],
  );
  useShortcut(
    "new",
    useCallback(() => void navigate({ to: "/" }).then(compose), [navigate]),
  );
  useShortcut(
    "next",
    useCallback(() => go(1), [go]),
  );
  useShortcut(
    "previous",
    useCallback(() => go(-1), [go]),
  );
  useShortcut("compose", compose);
}

function compose(): void {
  document.getElementById("composer")?.focus();
}

interface SidebarProps {
  search: RefObject<HTMLInputElement | null>;
  onHelp: () => void;
  onClose?: () => void;
}

function Sidebar({ search, onHelp, onClose }: SidebarProps) {
  const text = useText();
  const { data: person } = useSuspenseQuery(session);
  const filters = useSearch({ from: "/home" });
  const scroller = useRef<HTMLElement>(null);
  return (
    <div className={styles.side}>
      <div className={styles.head}>
        <Logo />
        <span className={styles.name}>{text.name}</span>
        {onClose && (
          <Button kind="quiet" size="icon" aria-label={text.conversations.close} onClick={onClose}>
            <PanelLeftClose size={19} aria-hidden="true" />
          </Button>
        )}
      </div>
      <Link to="/" className={buttonLooks()}>
        <SquarePen size={17} aria-hidden="true" /> {text.conversations.new}
      </Link>
      <SearchPanel filters={filters} input={search} />
      <nav ref={scroller} className={styles.list} aria-label={text.conversations.title}>
        {filters.q ? <FoundList filters={filters} /> : <ConversationList filters={filters} scroller={scroller} />}
      </nav>
      {person && <AccountMenu person={person} onHelp={onHelp} />}
    </div>
  );
}
