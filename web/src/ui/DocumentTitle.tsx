// Sets the title of the browser tab. The last title remains while the next page loads.

import { useEffect } from "react";

export function DocumentTitle({ children }: { children: string }) {
  useEffect(() => {
    document.title = children;
  }, [children]);
  return null;
}
