// The address to open after signing in, without the base path, passed in the query parameter `to`. Only addresses of
// this page are accepted.

export interface Destination {
  to?: string;
}

/** Stands for the address of this page. No site has it. */
const HERE = "https://page.invalid";

/** Reads the query parameters. Drops an address of another site. */
export function parseDestination(search: Record<string, unknown>): Destination {
  const { to } = search;
  return typeof to === "string" && isOwnAddress(to) ? { to } : {};
}

/** Resolves the address as a browser does, which removes tabs and line breaks and reads backslashes as slashes. */
function isOwnAddress(to: string): boolean {
  if (!to.startsWith("/") || !URL.canParse(to, HERE)) return false;
  const { origin, pathname } = new URL(to, HERE);
  return origin === HERE && !pathname.startsWith("//");
}
