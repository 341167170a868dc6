// Sends a file, telling how far it is. Fetch does not tell that, so this is the one place with an XMLHttpRequest.

import { tokens } from "../account/auth";
import { Problem, SignedOut, saidBy } from "../api/problem";

/** What became of a file: the document it is now, and its version then. */
export interface Accepted {
  document_id: string;
  version: number;
}

export async function upload(
  file: File,
  onProgress: (percent: number) => void,
  signal: AbortSignal,
): Promise<Accepted> {
  const token = await tokens.get();
  const first = await send(file, token, onProgress, signal);
  if (first.status !== 401) return accepted(first);
  tokens.refused(token);
  const second = await send(file, await tokens.get(), onProgress, signal);
  if (second.status === 401) throw new SignedOut();
  return accepted(second);
}

function accepted(request: XMLHttpRequest): Accepted {
  const { status, response } = request;
  if (status < 200 || status > 299) throw new Problem(status, saidBy(response));
  return response as Accepted;
}

function send(
  file: File,
  token: string,
  onProgress: (percent: number) => void,
  signal: AbortSignal,
): Promise<XMLHttpRequest> {
  return new Promise((resolve, reject) => {
    const body = new FormData();
    body.append("file", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/documents");
    request.responseType = "json";
    request.setRequestHeader("authorization", `Bearer ${token}`);
    request.upload.onprogress = ({ loaded, total }) => onProgress(Math.round((100 * loaded) / Math.max(total, 1)));
    request.onload = () => resolve(request);
    request.onerror = () => reject(new TypeError("the service was not reached"));
    request.onabort = () => reject(new DOMException("given up", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}
