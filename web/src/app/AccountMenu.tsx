// Who is signed in.

import { lazy } from "react";
import type { Person } from "../account/auth";
import { useText } from "../text/text";
import { OnDemand } from "../ui/OnDemand";
import styles from "./AccountMenu.module.css";

const OpenAccountMenu = lazy(() => import("./OpenAccountMenu"));

export function AccountMenu({ person, onHelp }: { person: Person; onHelp: () => void }) {
  const text = useText();
  return (
    <OnDemand
      opened={OpenAccountMenu}
      given={{ onHelp }}
      button={(open) => (
        <button
          type="button"
          className={styles.trigger}
          aria-haspopup="menu"
          aria-label={`${text.account.menu}: ${person.name}`}
          {...(open && { onClick: open })}
        >
          <span className={styles.initial} aria-hidden="true">
            {person.name.trim().charAt(0).toUpperCase() || "?"}
          </span>
          <span className={styles.who}>
            <span className={styles.name}>{person.name}</span>
            <span className={styles.email}>{person.email}</span>
          </span>
        </button>
      )}
    />
  );
}
