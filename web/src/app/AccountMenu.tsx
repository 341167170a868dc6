// The button with the name of the user. Opens the account menu.

import { lazy } from "react";
import type { User } from "../account/auth";
import { useText } from "../text/text";
import { LazyPopup } from "../ui/LazyPopup";
import styles from "./AccountMenu.module.css";

const AccountMenuPopup = lazy(() => import("./AccountMenuPopup"));

interface Props {
  user: User;
  onShowShortcuts: () => void;
}

export function AccountMenu({ user, onShowShortcuts }: Props) {
  const text = useText();
  return (
    <LazyPopup
      popup={AccountMenuPopup}
      popupProps={{ onShowShortcuts }}
      button={(open) => (
        <button
          type="button"
          className={styles.trigger}
          aria-haspopup="menu"
          aria-label={`${text.account.menu}: ${user.name}`}
          {...(open && { onClick: open })}
        >
          <span className={styles.initial} aria-hidden="true">
            {user.name.trim().charAt(0).toUpperCase() || "?"}
          </span>
          <span className={styles.user}>
            <span className={styles.name}>{user.name}</span>
            <span className={styles.email}>{user.email}</span>
          </span>
        </button>
      )}
    />
  );
}
