// Keys of keyboard events, with regard to input methods and on-screen keyboards.

type KeyPress = Pick<KeyboardEvent, "key" | "isComposing" | "keyCode">;
type ModifiedKeyPress = KeyPress & Pick<KeyboardEvent, "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

/** The `keyCode` of a key that an input method consumes. */
const CONSUMED_BY_INPUT_METHOD = 229;

/**
 * The pressed key. Undefined while an input method composes text: the key then belongs to the input method.
 * Safari reports the Enter that ends a composition after its end, so that only the `keyCode` tells.
 */
export function keyOf(event: KeyPress): string | undefined {
  return event.isComposing || event.keyCode === CONSUMED_BY_INPUT_METHOD ? undefined : event.key;
}

/**
 * Whether the key sends the text of a field with several lines: Enter, but not with Shift. On an on-screen keyboard
 * Enter starts a new line, which cannot be typed otherwise, and only Enter with Ctrl or Command sends.
 */
export function isSendKey(event: ModifiedKeyPress, isOnScreenKeyboard: boolean = hasOnScreenKeyboard()): boolean {
  if (keyOf(event) !== "Enter" || event.shiftKey || event.altKey) return false;
  return event.ctrlKey || event.metaKey || !isOnScreenKeyboard;
}

/** Whether text is typed on the screen: the device's main pointer is a finger. */
export function hasOnScreenKeyboard(): boolean {
  return matchMedia("(hover: none) and (pointer: coarse)").matches;
}
