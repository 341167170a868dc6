// What can be done with one conversation of the list.

import { Ellipsis } from "lucide-react";
import { lazy } from "react";
import type { ConversationRow } from "../api/types";
import { useText } from "../text/text";
import { IconButton } from "../ui/IconButton";
import { OnDemand } from "../ui/OnDemand";
import { titleOf } from "./title";

const OpenRowMenu = lazy(() => import("./OpenRowMenu"));

export function RowMenu({ row }: { row: ConversationRow }) {
  const { conversations: texts } = useText();
  const label = `${texts.actions}: ${titleOf(row) ?? texts.untitled}`;
  return (
    <OnDemand
      opened={OpenRowMenu}
      given={{ row }}
      button={(open) => (
        <IconButton label={label} aria-haspopup="menu" {...(open && { onClick: open })}>
          <Ellipsis size={16} />
        </IconButton>
      )}
    />
  );
}
