// Short notes at the edge of the page, some with a way back.

import { Toast } from "radix-ui";
import { createContext, type ReactNode, useCallback, useContext, useState } from "react";
import { useText } from "../text/text";
import { Button } from "./Button";
import styles from "./Toasts.module.css";

interface Note {
  text: string;
  /** Takes back what the note is about. */
  undo?: () => void;
}

const SHOWN_MS = 8000;

const Say = createContext<(note: Note) => void>(() => {});

export function useToast(): (note: Note) => void {
  return useContext(Say);
}

export function Toasts({ children }: { children: ReactNode }) {
  const text = useText();
  const [notes, setNotes] = useState<(Note & { id: number })[]>([]);
  const say = useCallback(
    (note: Note) => setNotes((before) => [...before.slice(-2), { ...note, id: performance.now() }]),
    [],
  );
  const drop = (id: number) => setNotes((before) => before.filter((note) => note.id !== id));
  return (
    <Say value={say}>
      <Toast.Provider duration={SHOWN_MS} swipeDirection="right" label={text.name}>
        {children}
        {notes.map(({ id, text: said, undo }) => (
          <Toast.Root key={id} className={styles.toast} onOpenChange={(open) => !open && drop(id)}>
            <Toast.Description>{said}</Toast.Description>
            {undo && (
              <Toast.Action asChild altText={text.undo} onClick={undo}>
                <Button size="small">{text.undo}</Button>
              </Toast.Action>
            )}
          </Toast.Root>
        ))}
        <Toast.Viewport className={styles.viewport} />
      </Toast.Provider>
    </Say>
  );
}
