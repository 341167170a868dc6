// Turns errors into texts for the user.

import { Problem, QUARANTINED } from "../api/problem";
import type { Texts } from "./en";

/** A conversation that accepts no more questions. */
const CONVERSATION_FULL = "urn:colloquy:problem:conversation-full";
/** The language model is away, or answers with nothing that can be used. */
const MODEL_UNAVAILABLE = "urn:colloquy:problem:model-unavailable";
/** The account service refuses a password that is known from a data breach. */
const PASSWORD_COMPROMISED = "PASSWORD_COMPROMISED";

/** Limits of what is stored. Waiting alone does not help. */
const STORED = new Set(["documents", "document_bytes"]);

/** The service's own text if the error has one, else a text of the page. */
export function errorMessage(error: unknown, text: Texts): string {
  if (error instanceof TypeError) return text.failure.offline;
  if (!(error instanceof Problem)) return text.failure.unknown;
  if (error.type === QUARANTINED) return text.failure.quarantined;
  if (error.status === 429 && error.limit) return limitMessage(error, error.limit, text);
  if (error.type === MODEL_UNAVAILABLE) return text.failure.modelUnavailable;
  if (error.status === 503) return text.failure.unavailable;
  if (error.type === PASSWORD_COMPROMISED) return text.account.passwordCompromised;
  if (error.type === CONVERSATION_FULL) return text.failure.conversationFull;
  if (error.message.startsWith("HTTP ")) return text.failure.unknown;
  return error.detail ? `${error.message}: ${error.detail}` : error.message;
}

/** Names the limit, and says when to try again. */
function limitMessage({ detail, retryAfterSeconds }: Problem, limit: string, { failure }: Texts): string {
  const reached = failure.limits[limit] ?? (detail ? `${failure.limit} ${detail}` : failure.limit);
  const isOver = retryAfterSeconds !== undefined && !STORED.has(limit);
  return isOver ? `${reached} ${failure.tryAgain(retryAfterSeconds)}` : reached;
}
