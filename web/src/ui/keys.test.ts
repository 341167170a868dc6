import { describe, expect, it } from "vitest";
import { isSendKey, keyOf } from "./keys";

const press = (key: string, fields: object = {}) => ({
  key,
  isComposing: false,
  keyCode: 0,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...fields,
});

describe("a key of an input method", () => {
  it("is no key of the page, however the browser reports the composition", () => {
    expect(keyOf(press("Escape", { isComposing: true, keyCode: 27 }))).toBeUndefined();
    expect(keyOf(press("Enter", { keyCode: 229 }))).toBeUndefined();
    expect(keyOf(press("Enter", { keyCode: 13 }))).toBe("Enter");
  });

  it("does not send", () => {
    expect(isSendKey(press("Enter", { keyCode: 229 }), false)).toBe(false);
    expect(isSendKey(press("Enter", { isComposing: true, ctrlKey: true }), false)).toBe(false);
  });
});

describe("Enter", () => {
  it("sends on a keyboard, and starts a new line with Shift", () => {
    expect(isSendKey(press("Enter"), false)).toBe(true);
    expect(isSendKey(press("Enter", { shiftKey: true }), false)).toBe(false);
    expect(isSendKey(press("a"), false)).toBe(false);
  });

  it("starts a new line on the screen of a phone, and sends with Ctrl or Command", () => {
    expect(isSendKey(press("Enter"), true)).toBe(false);
    expect(isSendKey(press("Enter", { ctrlKey: true }), true)).toBe(true);
    expect(isSendKey(press("Enter", { metaKey: true }), true)).toBe(true);
  });
});
