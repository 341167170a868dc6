// The version of an answer that is compared with the shown one. Pure.

import type { Message } from "../api/types";

/** The chosen version, else the one before, else the one after; undefined if there is none. */
export function otherVersion({ id, siblings }: Pick<Message, "id" | "siblings">, chosen?: string): string | undefined {
  if (chosen && chosen !== id && siblings.includes(chosen)) return chosen;
  const index = siblings.indexOf(id);
  return siblings[index - 1] ?? siblings[index + 1];
}
