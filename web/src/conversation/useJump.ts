// Brings a message into view that was asked for, and marks it for a moment.

import { type RefObject, useEffect, useState } from "react";

const MARKED_MS = 2500;

/** Gives the message that is marked. */
export function useJump(
  scroller: RefObject<HTMLElement | null>,
  message: string | undefined,
  onJump: () => void,
): string | undefined {
  const [marked, setMarked] = useState<string>();
  useEffect(() => {
    if (!message) return;
    const element = scroller.current?.querySelector(`[data-message="${CSS.escape(message)}"]`);
    if (!element) return;
    onJump();
    element.scrollIntoView({ block: "center" });
    setMarked(message);
    const timer = setTimeout(() => setMarked(undefined), MARKED_MS);
    return () => clearTimeout(timer);
  }, [scroller, message, onJump]);
  return marked;
}
