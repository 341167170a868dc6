import { describe, expect, it } from "vitest";
import { formatKeys, matchesKeys, SHORTCUTS } from "./shortcuts";

const press = (
  key: string,
  modifiers: Partial<Record<"ctrlKey" | "metaKey" | "altKey" | "shiftKey" | "isComposing", boolean>> = {},
) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  isComposing: false,
  keyCode: 0,
  ...modifiers,
});

describe("a shortcut", () => {
  it("matches its key with exactly its modifiers", () => {
    expect(matchesKeys(SHORTCUTS.search, press("k", { ctrlKey: true }))).toBe(true);
    expect(matchesKeys(SHORTCUTS.search, press("K", { metaKey: true }))).toBe(true);
    expect(matchesKeys(SHORTCUTS.search, press("k"))).toBe(false);
    expect(matchesKeys(SHORTCUTS.search, press("k", { ctrlKey: true, shiftKey: true }))).toBe(false);
    expect(matchesKeys(SHORTCUTS.next, press("ArrowDown", { altKey: true }))).toBe(true);
    expect(matchesKeys(SHORTCUTS.next, press("ArrowDown"))).toBe(false);
  });

  it("matches a character on every keyboard layout", () => {
    expect(matchesKeys(SHORTCUTS.help, press("?", { shiftKey: true }))).toBe(true);
    expect(matchesKeys(SHORTCUTS.help, press("?"))).toBe(true);
    expect(matchesKeys(SHORTCUTS.compose, press("/", { shiftKey: true }))).toBe(true);
  });

  it("ignores the keys of an input method", () => {
    expect(matchesKeys(SHORTCUTS.stop, press("Escape"))).toBe(true);
    expect(matchesKeys(SHORTCUTS.stop, press("Escape", { isComposing: true }))).toBe(false);
    expect(matchesKeys(SHORTCUTS.next, press("ArrowDown", { altKey: true, isComposing: true }))).toBe(false);
  });

  it("is shown with the names of its keys", () => {
    expect(formatKeys(SHORTCUTS.new, false)).toEqual(["Ctrl", "Shift", "O"]);
    expect(formatKeys(SHORTCUTS.new, true)).toEqual(["⌘", "⇧", "O"]);
    expect(formatKeys(SHORTCUTS.next, false)).toEqual(["Alt", "↓"]);
    expect(formatKeys(SHORTCUTS.stop, false)).toEqual(["Esc"]);
    expect(formatKeys(SHORTCUTS.help, false)).toEqual(["?"]);
  });
});
