// Keeps the newest words in view while they arrive, unless the reader has scrolled up.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

const NEAR_PX = 80;

/** `content` is whatever makes the scroller grow when it changes. */
export function useStickyScroll(content: unknown) {
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

  // biome-ignore lint/correctness/useExhaustiveDependencies: content is what it waits for
  useLayoutEffect(() => {
    if (sticky.current) scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  }, [content]);

  const letGo = useCallback(() => {
    sticky.current = false;
  }, []);

  return { scroller, away, toNewest, letGo };
}
