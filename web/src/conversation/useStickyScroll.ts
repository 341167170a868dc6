// Keeps the newest words in view while they arrive, unless the reader has scrolled up.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

const NEAR_PX = 80;

/** Whatever the scroller's first child grows by. */
export function useStickyScroll() {
  const scroller = useRef<HTMLDivElement>(null);
  const sticky = useRef(true);
  const [away, setAway] = useState(false);

  const toNewest = useCallback(() => {
    sticky.current = true;
    setAway(false);
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  }, []);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const onScroll = () => {
      const near = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
      sticky.current = near;
      setAway(!near);
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => element.removeEventListener("scroll", onScroll);
  }, []);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element?.firstElementChild) return;
    const stay = () => sticky.current && element.scrollTo({ top: element.scrollHeight });
    stay();
    // Told after the layout and before the paint; to ask for the height any earlier would have it all laid out twice.
    const observer = new ResizeObserver(stay);
    observer.observe(element);
    observer.observe(element.firstElementChild);
    return () => observer.disconnect();
  }, []);

  const letGo = useCallback(() => {
    sticky.current = false;
  }, []);

  return { scroller, away, toNewest, letGo };
}
