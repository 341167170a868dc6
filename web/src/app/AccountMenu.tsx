// Who is signed in, and the way out.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { LogOut } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { Person } from "../account/auth";
import { leave } from "../account/session";
import { useText } from "../text/text";
import styles from "./AccountMenu.module.css";

export function AccountMenu({ person }: { person: Person }) {
  const text = useText();
  const queries = useQueryClient();
  const router = useRouter();
  const leaving = useMutation({
    mutationFn: () => leave(queries),
    onSuccess: () => router.navigate({ to: "/sign-in", replace: true }),
  });
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className={styles.trigger} aria-label={`${text.account.menu}: ${person.name}`}>
        <span className={styles.initial} aria-hidden="true">
          {person.name.trim().charAt(0).toUpperCase() || "?"}
        </span>
        <span className={styles.who}>
          <span className={styles.name}>{person.name}</span>
          <span className={styles.email}>{person.email}</span>
        </span>
      </DropdownMenu.Trigger>
      <DropdownMenu.Content className={styles.menu} side="top" align="start" sideOffset={6}>
        <DropdownMenu.Item className={styles.item} onSelect={() => leaving.mutate()}>
          <LogOut size={16} aria-hidden="true" /> {text.account.signOut}
        </DropdownMenu.Item>
      </DropdownMenu.Content>
    </DropdownMenu.Root>
  );
}
