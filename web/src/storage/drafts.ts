// Drafts of questions, kept on this device for each user and conversation, so that neither a reload nor an
// expired session loses them. Signing out deletes them.

const PREFIX = "colloquy:draft:";
/** Used if the device's storage is full or disabled. */
const memory = new Map<string, string>();

/** Stands for the conversation that the next question starts. */
export const NEW_CONVERSATION = "new";

export function readDraft(owner: string, conversationId: string): string {
  const key = keyOf(owner, conversationId);
  try {
    return localStorage.getItem(key) ?? memory.get(key) ?? "";
  } catch {
    return memory.get(key) ?? "";
  }
}

/** Saves a draft. A blank one is deleted. */
export function saveDraft(owner: string, conversationId: string, text: string): void {
  const key = keyOf(owner, conversationId);
  if (text.trim() === "") memory.delete(key);
  else memory.set(key, text);
  try {
    if (text.trim() === "") localStorage.removeItem(key);
    else localStorage.setItem(key, text);
  } catch {
    // Storage is full or disabled: the draft in memory remains.
  }
}

/** Deletes the drafts of all users. */
export function clearDrafts(): void {
  memory.clear();
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  } catch {
    // Storage is disabled, so it holds no drafts.
  }
}

function keyOf(owner: string, conversationId: string): string {
  return `${PREFIX}${owner}:${conversationId}`;
}
