// Questions that are being written, kept on this device for each conversation, so that neither a reload nor the end of a
// session loses a word. Signing out forgets them.

const PREFIX = "colloquy:draft:";
/** Where no storage is to be had, drafts live as long as the page. */
const memory = new Map<string, string>();

/** The draft of what is not a conversation yet. */
export const NEW = "new";

export function draftOf(owner: string, conversationId: string): string {
  const key = keyOf(owner, conversationId);
  try {
    return localStorage.getItem(key) ?? memory.get(key) ?? "";
  } catch {
    return memory.get(key) ?? "";
  }
}

export function keepDraft(owner: string, conversationId: string, text: string): void {
  const key = keyOf(owner, conversationId);
  if (text.trim() === "") memory.delete(key);
  else memory.set(key, text);
  try {
    if (text.trim() === "") localStorage.removeItem(key);
    else localStorage.setItem(key, text);
  } catch {
    // Full or forbidden: the one in memory stays.
  }
}

export function forgetDrafts(): void {
  memory.clear();
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  } catch {
    // Then there are none.
  }
}

function keyOf(owner: string, conversationId: string): string {
  return `${PREFIX}${owner}:${conversationId}`;
}
