// What the window is called. The document always has a title, also while the next page is being fetched.

import { useEffect } from "react";

export function DocumentTitle({ children }: { children: string }) {
  useEffect(() => {
    document.title = children;
  }, [children]);
  return null;
}
