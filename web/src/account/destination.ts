// Where signing in leads: only ever to a page of ours.

export interface Destination {
  to?: string;
}

/** Reads the destination of an address; one that leads elsewhere is dropped. */
export function destinationOf(search: Record<string, unknown>): Destination {
  const { to } = search;
  if (typeof to !== "string" || !/^\/(?![/\\])/.test(to)) return {};
  return { to };
}
