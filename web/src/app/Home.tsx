// The frame around everything that needs an account: the list of conversations beside the open page; on a phone, the
// list slides in over it.

import { useSuspenseQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { Menu, PanelLeftClose, SquarePen } from "lucide-react";
import { useEffect, useRef } from "react";
import { session } from "../account/session";
import { ConversationList } from "../conversations/ConversationList";
import { useLiveConversations } from "../conversations/queries";
import { useText } from "../text/text";
import { Button, buttonLooks } from "../ui/Button";
import { Logo } from "../ui/Logo";
import { AccountMenu } from "./AccountMenu";
import styles from "./Home.module.css";
import { useInView } from "./useInView";

export function Home() {
  const text = useText();
  const lost = useLiveConversations(useInView());
  const drawer = useRef<HTMLDialogElement>(null);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: wherever one goes, the drawer closes
  useEffect(() => drawer.current?.close(), [path]);
  return (
    <div className={styles.frame}>
      <a className={styles.skip} href="#content">
        {text.skipToContent}
      </a>
      <aside className={styles.sidebar}>
        <Sidebar />
      </aside>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: by keyboard it closes with Escape, which the browser sees to */}
      <dialog
        ref={drawer}
        className={styles.drawer}
        aria-label={text.conversations.title}
        onClick={(event) => event.target === drawer.current && drawer.current.close()}
      >
        <div className={styles.drawerBody}>
          <Sidebar onClose={() => drawer.current?.close()} />
        </div>
      </dialog>
      <header className={styles.bar}>
        <Button
          kind="quiet"
          size="icon"
          aria-label={text.conversations.open}
          onClick={() => drawer.current?.showModal()}
        >
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
    </div>
  );
}

function Sidebar({ onClose }: { onClose?: () => void }) {
  const text = useText();
  const { data: person } = useSuspenseQuery(session);
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
      <nav className={styles.list} aria-label={text.conversations.title}>
        <ConversationList />
      </nav>
      {person && <AccountMenu person={person} />}
    </div>
  );
}
