// A button whose menu or popover is loaded on the first click and opens as soon as it is loaded.

import { type ComponentType, type ReactElement, Suspense, useState } from "react";

interface Props<PopupProps extends object> {
  /** A component made by `lazy`. It renders the button itself and is open from the beginning. */
  popup: ComponentType<PopupProps & { button: ReactElement }>;
  popupProps: PopupProps;
  /** Renders the button. `open` is undefined once the popup handles clicks. */
  button: (open?: () => void) => ReactElement;
}

export function LazyPopup<PopupProps extends object>({ popup: Popup, popupProps, button }: Props<PopupProps>) {
  const [isRequested, setIsRequested] = useState(false);
  if (!isRequested) return button(() => setIsRequested(true));
  return (
    <Suspense fallback={button()}>
      <Popup {...popupProps} button={button()} />
    </Suspense>
  );
}
