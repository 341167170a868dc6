// A button whose menu or card is fetched when it is first pressed, and opens as soon as it is there.

import { type ComponentType, type ReactElement, Suspense, useState } from "react";

interface Props<Given extends object> {
  /** What opens, made by `lazy`; it draws the button itself and begins open. */
  opened: ComponentType<Given & { button: ReactElement }>;
  given: Given;
  /** The button, told how to open. */
  button: (open?: () => void) => ReactElement;
}

export function OnDemand<Given extends object>({ opened: Opened, given, button }: Props<Given>) {
  const [wanted, setWanted] = useState(false);
  if (!wanted) return button(() => setWanted(true));
  return (
    <Suspense fallback={button()}>
      <Opened {...given} button={button()} />
    </Suspense>
  );
}
