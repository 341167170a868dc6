// Keyboard shortcuts of the whole page.

import { useEffect } from "react";
import { keyOf } from "./keys";

interface Keys {
  key: string;
  /** Ctrl, or Command on a Mac. */
  control?: boolean;
  shift?: boolean;
  alt?: boolean;
  /** Also works while a text field has the focus. */
  inTextFields?: boolean;
}

export const SHORTCUTS = {
  search: { key: "k", control: true, inTextFields: true },
  new: { key: "o", control: true, shift: true, inTextFields: true },
  next: { key: "ArrowDown", alt: true, inTextFields: true },
  previous: { key: "ArrowUp", alt: true, inTextFields: true },
  stop: { key: "Escape", inTextFields: true },
  compose: { key: "/" },
  help: { key: "?", shift: true },
} as const satisfies Record<string, Keys>;

export type Shortcut = keyof typeof SHORTCUTS;

/**
 * Calls the action when the shortcut's keys are pressed. Without an action the keys keep
 * their default effect.
 */
export function useShortcut(shortcut: Shortcut, action: (() => void) | undefined): void {
  useEffect(() => {
    if (!action) return;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || !matchesKeys(SHORTCUTS[shortcut], event)) return;
      if (!isAvailable(SHORTCUTS[shortcut], event.target)) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [shortcut, action]);
}

type PressedKeys = Pick<
  KeyboardEvent,
  "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey" | "isComposing" | "keyCode"
>;

/** Whether the event has the key and exactly the modifiers. Never true for a key of an input method. */
export function matchesKeys(keys: Keys, event: PressedKeys): boolean {
  if (keyOf(event)?.toLowerCase() !== keys.key.toLowerCase()) return false;
  const control = event.ctrlKey || event.metaKey;
  if (control !== Boolean(keys.control) || event.altKey !== Boolean(keys.alt)) return false;
  // The key of a character such as "?" implies its shift state, which depends on the keyboard layout.
  const isCharacter = keys.key.length === 1 && !keys.control;
  return isCharacter || event.shiftKey === Boolean(keys.shift);
}

/** The keys as text for the user, one element for each. */
export function formatKeys(keys: Keys, isMac: boolean): string[] {
  const names: Record<string, string> = { ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc" };
  const key = names[keys.key] ?? keys.key.toUpperCase();
  const modifiers = [
    keys.control && (isMac ? "⌘" : "Ctrl"),
    keys.alt && (isMac ? "⌥" : "Alt"),
    keys.control && keys.shift && (isMac ? "⇧" : "Shift"),
  ];
  return [...modifiers.filter((name) => typeof name === "string"), key];
}

function isAvailable(keys: Keys, target: EventTarget | null): boolean {
  return keys.inTextFields === true || !isTextField(target);
}

function isTextField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
