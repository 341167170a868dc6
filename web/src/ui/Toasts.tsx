// Short notes at the edge of the page, some with a way back.

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
const MOST = 3;

const Say = createContext<(note: Note) => void>(() => {});

export function useToast(): (note: Note) => void {
  return useContext(Say);
}

export function Toasts({ children }: { children: ReactNode }) {
  const [notes, setNotes] = useState<readonly (Note & { id: number })[]>([]);
  const say = useCallback((note: Note) => {
    const id = performance.now();
    setNotes((before) => [...before.slice(1 - MOST), { ...note, id }]);
    setTimeout(() => setNotes((before) => before.filter((one) => one.id !== id)), SHOWN_MS);
  }, []);
  return (
    <Say value={say}>
      {children}
      <div className={styles.viewport} role="status">
        {notes.map(({ id, ...note }) => (
          <OneToast key={id} note={note} onDone={() => setNotes((before) => before.filter((one) => one.id !== id))} />
        ))}
      </div>
    </Say>
  );
}

function OneToast({ note, onDone }: { note: Note; onDone: () => void }) {
  const text = useText();
  const undo = () => {
    note.undo?.();
    onDone();
  };
  return (
    <div className={styles.toast}>
      <span>{note.text}</span>
      {note.undo && (
        <Button size="small" onClick={undo}>
          {text.undo}
        </Button>
      )}
    </div>
  );
}
