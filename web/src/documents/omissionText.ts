// Names the part of a document that was left out, and why. Pure.

import type { Omission } from "../api/types";
import type { Texts } from "../text/text";

export function omissionText({ part, file, cause }: Omission, { omissions }: Texts): string {
  if (part.type === "more") return omissions.more(part.count);
  const name = partText(part, omissions);
  return omissions.causes[cause](file ? omissions.inFile(name, file) : name);
}

function partText(part: Omission["part"], { parts }: Texts["omissions"]): string {
  switch (part.type) {
    case "pages":
      return part.first === part.last ? parts.page(part.first) : parts.pages(part.first, part.last);
    case "slide":
      return parts.slide(part.number);
    case "sheet":
      return parts.sheet(part.name);
    case "rows":
      return parts.rows(part.sheet, part.first);
    case "file":
      return parts.file(part.name);
    case "rest":
      return part.page ? parts.restBehind(part.page) : parts.rest;
    case "more":
      return "";
  }
}
