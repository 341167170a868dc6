// Copies text to the clipboard and reports success for a moment.

import { useEffect, useRef, useState } from "react";

const FEEDBACK_MS = 2000;

export function useCopyToClipboard() {
  const [isCopied, setIsCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const write = async (text: string) => {
    await navigator.clipboard.writeText(text);
    setIsCopied(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setIsCopied(false), FEEDBACK_MS);
  };
  return { isCopied, copy: (text: string) => void write(text).catch(() => setIsCopied(false)) };
}
