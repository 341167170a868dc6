// Uploads a file. Uses XMLHttpRequest, because fetch does not report the progress of an upload.

import { addressOf } from "../api/basePath";
import { parseJson } from "../api/json";
import { messageOf, Problem, SignedOut } from "../api/problem";
import { tokens } from "../api/tokens";
import type { DocumentAccepted } from "../api/types";

/** Repeats the upload once with a new token if the token is refused. Rejects when the signal is aborted. */
export async function upload(
  file: File,
  tags: readonly string[],
  onProgress: (percent: number) => void,
  signal: AbortSignal,
): Promise<DocumentAccepted> {
  const token = await tokens.get();
  const first = await send(file, tags, token, onProgress, signal);
  if (first.status !== 401) return acceptedBy(first);
  tokens.reject(token);
  const second = await send(file, tags, await tokens.get(), onProgress, signal);
  if (second.status === 401) throw new SignedOut();
  return acceptedBy(second);
}

function acceptedBy(request: XMLHttpRequest): DocumentAccepted {
  const { status, responseText } = request;
  if (status >= 200 && status <= 299) return parseJson<DocumentAccepted>(responseText);
  throw new Problem(status, messageOf(parseBody(responseText)), request.getResponseHeader("retry-after"));
}

/** The body of an error response, which may come from a proxy and be no JSON. */
function parseBody(body: string): unknown {
  try {
    return parseJson<unknown>(body);
  } catch {
    return undefined;
  }
}

function send(
  file: File,
  tags: readonly string[],
  token: string,
  onProgress: (percent: number) => void,
  signal: AbortSignal,
): Promise<XMLHttpRequest> {
  return new Promise((resolve, reject) => {
    const body = new FormData();
    if (tags.length > 0) body.append("tags", tags.join(","));
    body.append("file", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", addressOf("/v1/documents"));
    request.setRequestHeader("authorization", `Bearer ${token}`);
    request.upload.onprogress = ({ loaded, total }) => onProgress(Math.round((100 * loaded) / Math.max(total, 1)));
    request.onload = () => resolve(request);
    request.onerror = () => reject(new TypeError("the service was not reached"));
    request.onabort = () => reject(new DOMException("the upload was aborted", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}
