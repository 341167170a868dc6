// The instructions that a form holds. Pure.

import type { Instructions } from "../api/types";

export const MAX_LENGTH = 4000;
export const MAX_TEMPERATURE = 2;

/** An empty field takes the earlier value back. */
export function readForm(fields: FormData): Instructions {
  const entered = String(fields.get("instructions") ?? "").trim();
  const temperature = Number.parseFloat(String(fields.get("temperature") ?? "").replace(",", "."));
  return { instructions: entered || null, temperature: Number.isNaN(temperature) ? null : temperature };
}
