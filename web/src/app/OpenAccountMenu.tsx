// The open menu of whoever is signed in: where else one can go, and the way out.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import { ChartColumn, Files, Keyboard, LogOut, ScrollText, Settings } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ReactElement } from "react";
import { leave, roleOf } from "../account/session";
import { useText } from "../text/text";
import menu from "../ui/Menu.module.css";

export default function OpenAccountMenu({ onHelp, button }: { onHelp: () => void; button: ReactElement }) {
  const text = useText();
  const queries = useQueryClient();
  const router = useRouter();
  const { data: role } = useQuery(roleOf);
  const mayAudit = role === "auditor" || role === "admin";
  const leaving = useMutation({
    mutationFn: () => leave(queries),
    onSuccess: () => router.navigate({ to: "/sign-in", replace: true }),
  });
  return (
    <DropdownMenu.Root modal={false} defaultOpen>
      <DropdownMenu.Trigger asChild>{button}</DropdownMenu.Trigger>
      <DropdownMenu.Content className={menu.menu} side="top" align="start" sideOffset={6}>
        <Way to="/documents" icon={Files} label={text.account.documents} />
        <Way to="/usage" icon={ChartColumn} label={text.account.usage} />
        {mayAudit && <Way to="/audit" icon={ScrollText} label={text.account.audit} />}
        <Way to="/settings" icon={Settings} label={text.account.settings} />
        <DropdownMenu.Item className={menu.item} onSelect={onHelp}>
          <Keyboard size={16} aria-hidden="true" /> {text.account.shortcuts}
        </DropdownMenu.Item>
        <DropdownMenu.Separator className={menu.line} />
        <DropdownMenu.Item className={menu.item} onSelect={() => leaving.mutate()}>
          <LogOut size={16} aria-hidden="true" /> {text.account.signOut}
        </DropdownMenu.Item>
      </DropdownMenu.Content>
    </DropdownMenu.Root>
  );
}

interface WayProps {
  to: "/documents" | "/usage" | "/audit" | "/settings";
  icon: typeof Files;
  label: string;
}

function Way({ to, icon: Icon, label }: WayProps) {
  return (
    <DropdownMenu.Item className={menu.item} asChild>
      <Link to={to}>
        <Icon size={16} aria-hidden="true" /> {label}
      </Link>
    </DropdownMenu.Item>
  );
}
