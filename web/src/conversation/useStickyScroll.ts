// Keeps the end of a growing thread visible, unless the user has scrolled up.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** The end counts as visible within this distance. */
const TOLERANCE_PX = 80;

/** Follows the height of the scroller's first child. */
export function useStickyScroll() {
  const scroller = useRef<HTMLDivElement>(null);
  const isSticky = useRef(true);
  const [isAway, setIsAway] = useState(false);

  const scrollToEnd = useCallback(() => {
    isSticky.current = true;
    setIsAway(false);
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  }, []);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const onScroll = () => {
      const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < TOLERANCE_PX;
      isSticky.current = isAtEnd;
      setIsAway(!isAtEnd);
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => element.removeEventListener("scroll", onScroll);
  }, []);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element?.firstElementChild) return;
    const stay = () => isSticky.current && element.scrollTo({ top: element.scrollHeight });
    stay();
    // The observer runs between layout and paint. Reading the height earlier would force a second layout.
    const observer = new ResizeObserver(stay);
    observer.observe(element);
    observer.observe(element.firstElementChild);
    return () => observer.disconnect();
  }, []);

  const release = useCallback(() => {
    isSticky.current = false;
  }, []);

  return { scroller, isAway, scrollToEnd, release };
}
