// The address to open after signing in, passed in the query parameter `to`. Only addresses of this
// page are accepted.

export interface Destination {
  to?: string;
}

/** Reads the query parameters. Drops an address of another site. */
export function parseDestination(search: Record<string, unknown>): Destination {
  const { to } = search;
  if (typeof to !== "string" || !/^\/(?![/\\])/.test(to)) return {};
  return { to };
}
