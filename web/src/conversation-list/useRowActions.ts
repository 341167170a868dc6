// Actions on a conversation of the list. Each is applied to the list at once and reverted if the command
// fails. Actions that remove the conversation from the list can be undone.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { sendCommand } from "../api/commands";
import { COMMAND_RETRIES } from "../api/retry";
import type { ConversationRow } from "../api/types";
import { useText } from "../text/text";
import { useToast } from "../ui/Toasts";
import { applyListEvent, refreshLists } from "./queries";
import { applyCommand, type RowCommand } from "./rowCommands";

export function useRowActions() {
  const text = useText();
  const queries = useQueryClient();
  const showToast = useToast();
  const { mutate } = useMutation({
    mutationFn: ({ row, command }: { row: ConversationRow; command: RowCommand }) => sendCommand(row.id, command),
    ...COMMAND_RETRIES,
    onMutate: ({ row, command }) => applyListEvent(queries, applyCommand(row, command)),
    onError: () => {
      showToast({ text: text.conversations.failed });
      refreshLists(queries);
    },
  });
  return useMemo(() => {
    const runUndoable = (row: ConversationRow, command: RowCommand, message: string, inverse: RowCommand) => {
      mutate({ row, command });
      showToast({ text: message, undo: () => mutate({ row, command: inverse }) });
    };
    const { conversations } = text;
    return {
      togglePin: (row: ConversationRow) => mutate({ row, command: { type: row.pinned ? "unpin" : "pin" } }),
      rename: (row: ConversationRow, title: string) => mutate({ row, command: { type: "rename", title } }),
      tag: (row: ConversationRow, tags: string[]) => mutate({ row, command: { type: "tag", tags } }),
      toggleArchive: (row: ConversationRow) =>
        row.archived
          ? runUndoable(row, { type: "unarchive" }, conversations.unarchivedNow, { type: "archive" })
          : runUndoable(row, { type: "archive" }, conversations.archivedNow, { type: "unarchive" }),
      remove: (row: ConversationRow) =>
        runUndoable(row, { type: "delete" }, conversations.deleted, { type: "restore" }),
    };
  }, [mutate, showToast, text]);
}
