// Whether somebody may be looking at the page.

import { useEffect, useState } from "react";

/** How long a page out of sight still counts: going back and forth between two must cost nothing. */
const PATIENCE_MS = 60_000;

/** False once the page has been out of sight for a minute, so that forgotten ones hold no connection. */
export function useInView(): boolean {
  const [inView, setInView] = useState(true);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onChange = () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => setInView(false), PATIENCE_MS);
      else setInView(true);
    };
    onChange();
    document.addEventListener("visibilitychange", onChange);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onChange);
    };
  }, []);
  return inView;
}
