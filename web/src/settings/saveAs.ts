// Saves an answer as a file. The token has to go in a header, so a link alone will not do.

export async function saveAs(answer: Response, name: string): Promise<void> {
  const address = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken it by then; before, it might find nothing.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
