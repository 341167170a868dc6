// Tidying the history: each change is shown at once, taken back when it did not arrive, and told with a way back where it
// takes something out of sight.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Command, ConversationRow } from "../api/types";
import { persistently, send } from "../conversation/commands";
import { useText } from "../text/text";
import { useToast } from "../ui/Toasts";
import { refreshLists, takeIn } from "./queries";

type Tidying = Exclude<Command, { type: "ask" | "regenerate" | "stop" | "rate" }>;

export function useTidying() {
  const text = useText();
  const queries = useQueryClient();
  const toast = useToast();
  const { mutate } = useMutation({
    mutationFn: ({ row, command }: { row: ConversationRow; command: Tidying }) => send(row.id, command),
    retry: persistently,
    onMutate: ({ row, command }) =>
      takeIn(
        queries,
        command.type === "delete" ? { type: "gone", id: row.id } : { type: "row", row: after(row, command) },
      ),
    onError: () => {
      toast({ text: text.conversations.failed });
      refreshLists(queries);
    },
  });
  return useMemo(() => {
    const undone = (row: ConversationRow, command: Tidying, said: string, back: Tidying) => {
      mutate({ row, command });
      toast({ text: said, undo: () => mutate({ row, command: back }) });
    };
    const { conversations } = text;
    return {
      pin: (row: ConversationRow) => mutate({ row, command: { type: row.pinned ? "unpin" : "pin" } }),
      rename: (row: ConversationRow, title: string) => mutate({ row, command: { type: "rename", title } }),
      tag: (row: ConversationRow, tags: string[]) => mutate({ row, command: { type: "tag", tags } }),
      archive: (row: ConversationRow) =>
        row.archived
          ? undone(row, { type: "unarchive" }, conversations.unarchivedNow, { type: "archive" })
          : undone(row, { type: "archive" }, conversations.archivedNow, { type: "unarchive" }),
      remove: (row: ConversationRow) => undone(row, { type: "delete" }, conversations.deleted, { type: "restore" }),
    };
  }, [mutate, toast, text]);
}

/** The row as it will be. Its version is left as it is, so that what the service tells wins. */
function after(row: ConversationRow, command: Tidying): ConversationRow {
  switch (command.type) {
    case "pin":
    case "unpin":
      return { ...row, pinned: command.type === "pin" };
    case "archive":
    case "unarchive":
      return { ...row, archived: command.type === "archive" };
    case "rename":
      return { ...row, title: command.title };
    case "tag":
      return { ...row, tags: command.tags };
    default:
      return row;
  }
}

/** The tags in a line of text: each once, without what the service would refuse. */
export function tagsIn(line: string): string[] {
  const tags = line.split(",").map((tag) => tag.trim().slice(0, 50));
  return [...new Set(tags)].filter(Boolean).slice(0, 20);
}
