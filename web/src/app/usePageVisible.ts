// Reports whether the page is visible to the user.

import { useEffect, useState } from "react";

/** A hidden page counts as visible for this long, so that switching tabs does not reconnect streams. */
const GRACE_PERIOD_MS = 60_000;

/** False after the page has been hidden for a minute, so that background tabs hold no connections. */
export function usePageVisible(): boolean {
  const [isVisible, setIsVisible] = useState(true);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onChange = () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => setIsVisible(false), GRACE_PERIOD_MS);
      else setIsVisible(true);
    };
    onChange();
    document.addEventListener("visibilitychange", onChange);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onChange);
    };
  }, []);
  return isVisible;
}
