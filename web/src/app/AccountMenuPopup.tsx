// The account menu: pages, keyboard shortcuts and sign-out.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import { ChartColumn, Files, Keyboard, LogOut, ScrollText, Settings } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ReactElement } from "react";
import { endSession, roleQuery } from "../account/session";
import { useText } from "../text/text";
import menu from "../ui/Menu.module.css";

interface Props {
  onShowShortcuts: () => void;
  button: ReactElement;
}

export default function AccountMenuPopup({ onShowShortcuts, button }: Props) {
  const text = useText();
  const queries = useQueryClient();
  const router = useRouter();
  const { data: role } = useQuery(roleQuery);
  const canAudit = role === "auditor" || role === "admin";
  const signOut = useMutation({
    mutationFn: () => endSession(queries),
    onSuccess: () => router.navigate({ to: "/sign-in", replace: true }),
  });
  return (
    <DropdownMenu.Root modal={false} defaultOpen>
      <DropdownMenu.Trigger asChild>{button}</DropdownMenu.Trigger>
      <DropdownMenu.Content className={menu.menu} side="top" align="start" sideOffset={6}>
        <PageLink to="/documents" icon={Files} label={text.account.documents} />
        <PageLink to="/usage" icon={ChartColumn} label={text.account.usage} />
        {canAudit && <PageLink to="/audit" icon={ScrollText} label={text.account.audit} />}
        <PageLink to="/settings" icon={Settings} label={text.account.settings} />
        <DropdownMenu.Item className={menu.item} onSelect={onShowShortcuts}>
          <Keyboard size={16} aria-hidden="true" /> {text.account.shortcuts}
        </DropdownMenu.Item>
        <DropdownMenu.Separator className={menu.separator} />
        <DropdownMenu.Item className={menu.item} onSelect={() => signOut.mutate()}>
          <LogOut size={16} aria-hidden="true" /> {text.account.signOut}
        </DropdownMenu.Item>
      </DropdownMenu.Content>
    </DropdownMenu.Root>
  );
}

interface PageLinkProps {
  to: "/documents" | "/usage" | "/audit" | "/settings";
  icon: typeof Files;
  label: string;
}

function PageLink({ to, icon: Icon, label }: PageLinkProps) {
  return (
    <DropdownMenu.Item className={menu.item} asChild>
      <Link to={to}>
        <Icon size={16} aria-hidden="true" /> {label}
      </Link>
    </DropdownMenu.Item>
  );
}
