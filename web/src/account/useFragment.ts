// Secrets of links, such as invitations: they stand behind the "#" of the address, which browsers send to no server.

import { useEffect, useState } from "react";

/** A parameter of the fragment with which the page was opened, or "". Removes the fragment from the address. */
export function useFragment(name: string): string {
  const [value] = useState(() => new URLSearchParams(window.location.hash.slice(1)).get(name) ?? "");
  useEffect(() => {
    const { pathname, search } = window.location;
    if (value) window.history.replaceState(window.history.state, "", pathname + search);
  }, [value]);
  return value;
}
