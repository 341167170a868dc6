// The base path: the service may serve page and API below a path of their host.

/**
 * Begins and ends with a slash. The service writes it into `index.html`, where a built page has "./"; the development
 * server serves the page at "/".
 */
export const BASE_PATH = parseBasePath(
  typeof document === "undefined"
    ? nameOfWorker()
    : document.querySelector('meta[name="base-path"]')?.getAttribute("content"),
);

/** A worker has no document; the page gives it the base path as its name. */
function nameOfWorker(): string | undefined {
  const name: unknown = Reflect.get(globalThis, "name");
  return typeof name === "string" ? name : undefined;
}

export function parseBasePath(written: string | null | undefined): string {
  return written?.startsWith("/") && written.endsWith("/") ? written : "/";
}

/** The address of a path of the page or of the API, which begins with a slash. */
export function addressOf(path: string, basePath: string = BASE_PATH): string {
  return basePath.slice(0, -1) + path;
}
