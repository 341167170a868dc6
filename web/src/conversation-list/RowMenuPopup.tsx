// The menu of a conversation of the list.

import { useNavigate, useParams } from "@tanstack/react-router";
import { Archive, ArchiveRestore, MessageSquareText, Pencil, Pin, PinOff, Tag, Trash2 } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { type FormEvent, type ReactElement, useState } from "react";
import { parseTags } from "../api/tags";
import type { ConversationRow } from "../api/types";
import { InstructionsForm } from "../instructions/InstructionsForm";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Field } from "../ui/Field";
import menu from "../ui/Menu.module.css";
import styles from "./RowMenu.module.css";
import { useRowActions } from "./useRowActions";

export default function RowMenuPopup({ row, button }: { row: ConversationRow; button: ReactElement }) {
  const text = useText();
  const actions = useRowActions();
  const navigate = useNavigate();
  const { conversationId } = useParams({ strict: false });
  const [dialog, setDialog] = useState<"rename" | "tags" | "instructions">();
  const remove = () => {
    actions.remove(row);
    if (row.id === conversationId) void navigate({ to: "/" });
  };
  const texts = text.conversations;
  return (
    <>
      <DropdownMenu.Root modal={false} defaultOpen>
        <DropdownMenu.Trigger asChild>{button}</DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content className={menu.menu} align="start" sideOffset={4} collisionPadding={8}>
            <Item icon={row.pinned ? PinOff : Pin} onSelect={() => actions.togglePin(row)}>
              {row.pinned ? texts.unpin : texts.pin}
            </Item>
            <Item icon={Pencil} onSelect={() => setDialog("rename")}>
              {texts.rename}
            </Item>
            <Item icon={Tag} onSelect={() => setDialog("tags")}>
              {texts.tags}
            </Item>
            <Item icon={MessageSquareText} onSelect={() => setDialog("instructions")}>
              {text.instructions.menu}
            </Item>
            <Item icon={row.archived ? ArchiveRestore : Archive} onSelect={() => actions.toggleArchive(row)}>
              {row.archived ? texts.unarchive : texts.archive}
            </Item>
            <DropdownMenu.Separator className={menu.separator} />
            <Item icon={Trash2} danger onSelect={remove}>
              {texts.delete}
            </Item>
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
      {dialog === "rename" && (
        <TextDialog
          title={texts.rename}
          label={texts.renameLabel}
          value={row.title}
          maxLength={200}
          required
          onClose={() => setDialog(undefined)}
          onSave={(title) => actions.rename(row, title)}
        />
      )}
      {dialog === "tags" && (
        <TextDialog
          title={texts.tags}
          label={texts.tagsLabel}
          hint={texts.tagsHint}
          value={row.tags.join(", ")}
          onClose={() => setDialog(undefined)}
          onSave={(line) => actions.tag(row, parseTags(line))}
        />
      )}
      {dialog === "instructions" && (
        <Dialog title={text.instructions.title} onClose={() => setDialog(undefined)}>
          <p>{text.instructions.conversationHint}</p>
          <InstructionsForm conversationId={row.id} onSaved={() => setDialog(undefined)} />
        </Dialog>
      )}
    </>
  );
}

interface ItemProps {
  icon: typeof Pin;
  danger?: boolean;
  onSelect: () => void;
  children: string;
}

function Item({ icon: Icon, danger, onSelect, children }: ItemProps) {
  return (
    <DropdownMenu.Item className={danger ? `${menu.item} ${menu.danger}` : menu.item} onSelect={onSelect}>
      <Icon size={16} aria-hidden="true" /> {children}
    </DropdownMenu.Item>
  );
}

interface TextDialogProps {
  title: string;
  label: string;
  hint?: string;
  value: string;
  maxLength?: number;
  required?: boolean;
  onClose: () => void;
  onSave: (value: string) => void;
}

/** A dialog with one text field. */
function TextDialog({ title, label, hint, value, onClose, onSave, ...rules }: TextDialogProps) {
  const text = useText();
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const entered = String(new FormData(event.currentTarget).get("value") ?? "").trim();
    if (entered || !rules.required) onSave(entered);
    onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className={styles.form} onSubmit={onSubmit}>
        <Field label={label} name="value" defaultValue={value} {...(hint && { hint })} {...rules} />
        <div className={styles.actions}>
          <Button kind="quiet" onClick={onClose}>
            {text.cancel}
          </Button>
          <Button kind="primary" type="submit">
            {text.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
