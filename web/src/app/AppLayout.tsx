// The layout of all pages that need an account: the sidebar beside the page. On narrow screens the sidebar is
// a drawer.

import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { Menu, SquarePen } from "lucide-react";
import { lazy, type RefObject, Suspense, useCallback, useEffect, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { useText } from "../text/text";
import { Button, buttonClass } from "../ui/Button";
import { useShortcut } from "../ui/shortcuts";
import { Toasts } from "../ui/Toasts";
import styles from "./AppLayout.module.css";
import { Sidebar } from "./Sidebar";
import { useListShortcuts } from "./useListShortcuts";
import { usePageVisible } from "./usePageVisible";
import { useUserStream } from "./useUserStream";

const ShortcutsDialog = lazy(() => import("./ShortcutsDialog"));

export function AppLayout() {
  return (
    <Toasts>
      <Layout />
    </Toasts>
  );
}

function Layout() {
  const text = useText();
  const isConnectionLost = useUserStream(usePageVisible());
  const drawer = useDrawer();
  const sidebarSearch = useRef<HTMLInputElement>(null);
  const drawerSearch = useRef<HTMLInputElement>(null);
  const [isHelpOpen, setIsHelpOpen] = useState(false);
  const showHelp = useCallback(() => setIsHelpOpen(true), []);
  const openDrawer = drawer.open;
  const focusSearch = useCallback(() => {
    // The sidebar is hidden on narrow screens.
    if (sidebarSearch.current?.checkVisibility()) return sidebarSearch.current.focus();
    openDrawer();
    drawerSearch.current?.focus();
  }, [openDrawer]);
  useShortcut("search", focusSearch);
  useShortcut("help", showHelp);
  useListShortcuts();
  return (
    <div className={styles.layout}>
      <a className={styles.skipLink} href="#content">
        {text.skipToContent}
      </a>
      <aside className={styles.sidebar}>
        <Sidebar searchInput={sidebarSearch} onShowShortcuts={showHelp} />
      </aside>
      <Drawer drawer={drawer} searchInput={drawerSearch} onShowShortcuts={showHelp} />
      <TopBar onOpenDrawer={openDrawer} />
      <main id="content" className={styles.content} tabIndex={-1}>
        {isConnectionLost && (
          <p className={styles.connectionLost} role="status">
            {text.connection.lost}
          </p>
        )}
        <Outlet />
      </main>
      {isHelpOpen && (
        <Suspense>
          <ShortcutsDialog onClose={() => setIsHelpOpen(false)} />
        </Suspense>
      )}
    </div>
  );
}

interface DrawerState {
  dialog: RefObject<HTMLDialogElement | null>;
  isOpen: boolean;
  open: () => void;
  close: () => void;
  onClosed: () => void;
}

/** The state of the drawer. It closes when the user opens another page. */
function useDrawer(): DrawerState {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isOpen, setIsOpen] = useState(false);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const open = useCallback(() => {
    // The content has to be rendered before the dialog moves the focus into it.
    flushSync(() => setIsOpen(true));
    dialog.current?.showModal();
  }, []);
  const close = useCallback(() => dialog.current?.close(), []);
  const onClosed = useCallback(() => setIsOpen(false), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: closes the drawer whenever the path changes
  useEffect(close, [path]);
  return { dialog, isOpen, open, close, onClosed };
}

interface DrawerProps {
  drawer: DrawerState;
  searchInput: RefObject<HTMLInputElement | null>;
  onShowShortcuts: () => void;
}

function Drawer({ drawer, searchInput, onShowShortcuts }: DrawerProps) {
  const text = useText();
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the browser closes the dialog on Escape
    <dialog
      ref={drawer.dialog}
      className={styles.drawer}
      aria-label={text.conversations.title}
      onClick={(event) => event.target === drawer.dialog.current && drawer.close()}
      onClose={drawer.onClosed}
    >
      <div className={styles.drawerBody}>
        {/* The same list as in the sidebar, so it is rendered only while the drawer is open. */}
        {drawer.isOpen && (
          <Sidebar searchInput={searchInput} onShowShortcuts={onShowShortcuts} onClose={drawer.close} />
        )}
      </div>
    </dialog>
  );
}

/** Visible on narrow screens only. */
function TopBar({ onOpenDrawer }: { onOpenDrawer: () => void }) {
  const text = useText();
  return (
    <header className={styles.topBar}>
      <Button kind="quiet" size="icon" aria-label={text.conversations.open} onClick={onOpenDrawer}>
        <Menu size={20} aria-hidden="true" />
      </Button>
      <span className={styles.name}>{text.name}</span>
      <Link to="/" className={buttonClass({ kind: "quiet", size: "icon" })} aria-label={text.conversations.new}>
        <SquarePen size={19} aria-hidden="true" />
      </Link>
    </header>
  );
}
