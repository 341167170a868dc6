// Offers data as a download. A plain link cannot be used for the API, because the token must be sent
// in a header.

/** The browser has started the download long before this time. */
const URL_LIFETIME_MS = 60_000;

export function downloadFile(data: Blob, name: string): void {
  const url = URL.createObjectURL(data);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), URL_LIFETIME_MS);
}
