// Writes text to the clipboard.

/**
 * Rejects if the browser allows neither way. `navigator.clipboard` exists in secure contexts only, and the page may be
 * served over HTTP in a local network.
 */
export async function copyText(text: string): Promise<void> {
  if (await wasWritten(text)) return;
  if (!copySelection(text)) throw new Error("the browser did not copy the text");
}

async function wasWritten(text: string): Promise<boolean> {
  // The types of the browser do not say that it is missing in other contexts.
  const clipboard: Clipboard | undefined = navigator.clipboard;
  if (!clipboard) return false;
  return clipboard.writeText(text).then(
    () => true,
    () => false,
  );
}

/** Selects the text in a field outside of the view, copies the selection, and restores the focus and the selection. */
function copySelection(text: string): boolean {
  const focused = document.activeElement;
  const selection = getSelection();
  const ranges = Array.from({ length: selection?.rangeCount ?? 0 }, (_, index) => selection?.getRangeAt(index));
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "visually-hidden";
  // A modal dialog keeps the focus inside.
  (focused?.closest("dialog") ?? document.body).append(field);
  field.select();
  try {
    // Deprecated, and the only way in a context that is not secure.
    return document.execCommand("copy");
  } finally {
    field.remove();
    selection?.removeAllRanges();
    for (const range of ranges) if (range) selection?.addRange(range);
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }
}
