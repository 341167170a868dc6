// Scrolls to the message that the address names, and highlights it for a moment.

import { type RefObject, useEffect, useState } from "react";

const HIGHLIGHT_MS = 2500;

/** Returns the id of the highlighted message. */
export function useScrollToMessage(
  scroller: RefObject<HTMLElement | null>,
  message: string | undefined,
  onScroll: () => void,
): string | undefined {
  const [highlighted, setHighlighted] = useState<string>();
  useEffect(() => {
    if (!message) return;
    const element = scroller.current?.querySelector(`[data-message="${CSS.escape(message)}"]`);
    if (!element) return;
    onScroll();
    element.scrollIntoView({ block: "center" });
    setHighlighted(message);
    const timer = setTimeout(() => setHighlighted(undefined), HIGHLIGHT_MS);
    return () => clearTimeout(timer);
  }, [scroller, message, onScroll]);
  return highlighted;
}
