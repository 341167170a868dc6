// The keys that work everywhere on the page. What each does is said where it is done.

import { useEffect } from "react";

interface Keys {
  key: string;
  /** Ctrl, or Command on a Mac. */
  control?: boolean;
  shift?: boolean;
  alt?: boolean;
  /** Also while something is being written; without a modifier it would be a letter. */
  whileWriting?: boolean;
}

export const SHORTCUTS = {
  search: { key: "k", control: true, whileWriting: true },
  new: { key: "o", control: true, shift: true, whileWriting: true },
  next: { key: "ArrowDown", alt: true, whileWriting: true },
  previous: { key: "ArrowUp", alt: true, whileWriting: true },
  stop: { key: "Escape", whileWriting: true },
  compose: { key: "/" },
  help: { key: "?", shift: true },
} as const satisfies Record<string, Keys>;

export type Shortcut = keyof typeof SHORTCUTS;

/** Calls `act` on the keys of a shortcut; without one they do what they do anyway. */
export function useShortcut(shortcut: Shortcut, act: (() => void) | undefined): void {
  useEffect(() => {
    if (!act) return;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || !isPressed(SHORTCUTS[shortcut], event)) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [shortcut, act]);
}

export function isPressed(keys: Keys, event: KeyboardEvent): boolean {
  const control = event.ctrlKey || event.metaKey;
  // A sign like "?" says itself whether shift was held.
  const shift = keys.key.length > 1 || keys.control ? event.shiftKey === Boolean(keys.shift) : true;
  const same = event.key.toLowerCase() === keys.key.toLowerCase();
  const modifiers = control === Boolean(keys.control) && event.altKey === Boolean(keys.alt) && shift;
  return same && modifiers && (keys.whileWriting === true || !isWriting(event.target));
}

/** The keys as a person reads them. */
export function inSigns(shortcut: Shortcut): string[] {
  const keys: Keys = SHORTCUTS[shortcut];
  const mac = /Mac|iPhone|iPad/.test(navigator.platform);
  const signs: Record<string, string> = { ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc" };
  const key = signs[keys.key] ?? keys.key.toUpperCase();
  const modifiers = [
    keys.control && (mac ? "⌘" : "Ctrl"),
    keys.alt && (mac ? "⌥" : "Alt"),
    keys.control && keys.shift && (mac ? "⇧" : "Shift"),
  ];
  return [...modifiers.filter((sign) => typeof sign === "string"), key];
}

function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
