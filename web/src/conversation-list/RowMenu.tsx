// The button that opens the menu of a conversation.

import { Ellipsis } from "lucide-react";
import { lazy } from "react";
import type { ConversationRow } from "../api/types";
import { useText } from "../text/text";
import { IconButton } from "../ui/IconButton";
import { LazyPopup } from "../ui/LazyPopup";
import { titleOf } from "./title";

const RowMenuPopup = lazy(() => import("./RowMenuPopup"));

export function RowMenu({ row }: { row: ConversationRow }) {
  const { conversations: texts } = useText();
  const label = `${texts.actions}: ${titleOf(row) ?? texts.untitled}`;
  return (
    <LazyPopup
      popup={RowMenuPopup}
      popupProps={{ row }}
      button={(open) => (
        <IconButton label={label} aria-haspopup="menu" {...(open && { onClick: open })}>
          <Ellipsis size={16} />
        </IconButton>
      )}
    />
  );
}
