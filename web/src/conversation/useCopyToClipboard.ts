// Copies text to the clipboard and reports success for a moment.

import { useEffect, useRef, useState } from "react";
import { useText } from "../text/text";
import { useToast } from "../ui/Toasts";
import { copyText } from "./copyText";

const FEEDBACK_MS = 2000;

export function useCopyToClipboard() {
  const text = useText();
  const toast = useToast();
  const [isCopied, setIsCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = (copied: string) => {
    copyText(copied).then(
      () => {
        setIsCopied(true);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => setIsCopied(false), FEEDBACK_MS);
      },
      () => {
        setIsCopied(false);
        toast({ text: text.answer.notCopied });
      },
    );
  };
  return { isCopied, copy };
}
