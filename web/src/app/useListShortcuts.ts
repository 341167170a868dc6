// The keyboard shortcuts that open conversations of the list.

import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { listQuery } from "../conversation-list/queries";
import { useShortcut } from "../ui/shortcuts";

export function useListShortcuts(): void {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const filters = useSearch({ from: "/layout" });
  const { conversationId } = useParams({ strict: false });
  const move = useCallback(
    (steps: number) => {
      const rows = queries.getQueryData(listQuery(filters).queryKey)?.pages.flatMap(({ items }) => items) ?? [];
      const current = rows.findIndex(({ id }) => id === conversationId);
      const next = rows[current === -1 ? 0 : current + steps];
      if (next) void navigate({ to: "/c/$conversationId", params: { conversationId: next.id } });
    },
    [navigate, queries, filters, conversationId],
  );
  const openNew = useCallback(() => void navigate({ to: "/" }).then(focusComposer), [navigate]);
  const openNext = useCallback(() => move(1), [move]);
  const openPrevious = useCallback(() => move(-1), [move]);
  useShortcut("new", openNew);
  useShortcut("next", openNext);
  useShortcut("previous", openPrevious);
  useShortcut("compose", focusComposer);
}

function focusComposer(): void {
  document.getElementById("composer")?.focus();
}
