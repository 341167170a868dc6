// Copies a text and says for a moment that it did.

import { useEffect, useRef, useState } from "react";

const SAID_MS = 2000;

export function useCopying() {
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async (text: string) => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setCopied(false), SAID_MS);
  };
  return { copied, copy: (text: string) => void copy(text).catch(() => setCopied(false)) };
}
