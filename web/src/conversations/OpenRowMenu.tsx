// The open menu of one conversation of the list.

import { useNavigate, useParams } from "@tanstack/react-router";
import { Archive, ArchiveRestore, Pencil, Pin, PinOff, Tag, Trash2 } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { type FormEvent, type ReactElement, useState } from "react";
import type { ConversationRow } from "../api/types";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Field } from "../ui/Field";
import menu from "../ui/Menu.module.css";
import { tagsIn, useTidying } from "./actions";
import styles from "./RowMenu.module.css";

export default function OpenRowMenu({ row, button }: { row: ConversationRow; button: ReactElement }) {
  const text = useText();
  const tidy = useTidying();
  const navigate = useNavigate();
  const { conversationId } = useParams({ strict: false });
  const [asking, setAsking] = useState<"rename" | "tags">();
  const remove = () => {
    tidy.remove(row);
    if (row.id === conversationId) void navigate({ to: "/" });
  };
  const texts = text.conversations;
  return (
    <>
      <DropdownMenu.Root modal={false} defaultOpen>
        <DropdownMenu.Trigger asChild>{button}</DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content className={menu.menu} align="start" sideOffset={4} collisionPadding={8}>
            <Item icon={row.pinned ? PinOff : Pin} onSelect={() => tidy.pin(row)}>
              {row.pinned ? texts.unpin : texts.pin}
            </Item>
            <Item icon={Pencil} onSelect={() => setAsking("rename")}>
              {texts.rename}
            </Item>
            <Item icon={Tag} onSelect={() => setAsking("tags")}>
              {texts.tags}
            </Item>
            <Item icon={row.archived ? ArchiveRestore : Archive} onSelect={() => tidy.archive(row)}>
              {row.archived ? texts.unarchive : texts.archive}
            </Item>
            <DropdownMenu.Separator className={menu.line} />
            <Item icon={Trash2} danger onSelect={remove}>
              {texts.delete}
            </Item>
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
      {asking === "rename" && (
        <Question
          title={texts.rename}
          label={texts.renameLabel}
          value={row.title}
          maxLength={200}
          required
          onClose={() => setAsking(undefined)}
          onAnswer={(title) => tidy.rename(row, title)}
        />
      )}
      {asking === "tags" && (
        <Question
          title={texts.tags}
          label={texts.tagsLabel}
          hint={texts.tagsHint}
          value={row.tags.join(", ")}
          onClose={() => setAsking(undefined)}
          onAnswer={(line) => tidy.tag(row, tagsIn(line))}
        />
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

interface QuestionProps {
  title: string;
  label: string;
  hint?: string;
  value: string;
  maxLength?: number;
  required?: boolean;
  onClose: () => void;
  onAnswer: (answer: string) => void;
}

/** Asks for one line. */
function Question({ title, label, hint, value, onClose, onAnswer, ...rules }: QuestionProps) {
  const text = useText();
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const answer = String(new FormData(event.currentTarget).get("answer") ?? "").trim();
    if (answer || !rules.required) onAnswer(answer);
    onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className={styles.form} onSubmit={onSubmit}>
        <Field label={label} name="answer" defaultValue={value} {...(hint && { hint })} {...rules} />
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
