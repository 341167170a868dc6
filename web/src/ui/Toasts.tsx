// Short messages at the edge of the page, some with an undo button.

import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from "react";
import { useText } from "../text/text";
import { Button } from "./Button";
import styles from "./Toasts.module.css";

interface Toast {
  text: string;
  /** Reverts the change that the message reports. */
  undo?: () => void;
}

const DURATION_MS = 8000;
const MAX_TOASTS = 3;

const ShowToast = createContext<(toast: Toast) => void>(() => {});

export function useToast(): (toast: Toast) => void {
  return useContext(ShowToast);
}

export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly (Toast & { id: number })[]>([]);
  const nextId = useRef(0);
  const dismiss = useCallback((id: number) => setToasts((current) => current.filter((toast) => toast.id !== id)), []);
  const show = useCallback(
    (toast: Toast) => {
      const id = nextId.current;
      nextId.current += 1;
      setToasts((current) => [...current.slice(1 - MAX_TOASTS), { ...toast, id }]);
      setTimeout(() => dismiss(id), DURATION_MS);
    },
    [dismiss],
  );
  return (
    <ShowToast value={show}>
      {children}
      <div className={styles.viewport} role="status">
        {toasts.map((toast) => (
          <ToastItem key={toast.id} toast={toast} onDismiss={() => dismiss(toast.id)} />
        ))}
      </div>
    </ShowToast>
  );
}

function ToastItem({ toast, onDismiss }: { toast: Toast; onDismiss: () => void }) {
  const text = useText();
  const undo = () => {
    toast.undo?.();
    onDismiss();
  };
  return (
    <div className={styles.toast}>
      <span>{toast.text}</span>
      {toast.undo && (
        <Button size="small" onClick={undo}>
          {text.undo}
        </Button>
      )}
    </div>
  );
}
