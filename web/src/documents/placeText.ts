// Names the place of a passage in its file. Pure.

import type { Place } from "../api/types";
import type { Texts } from "../text/text";

export function placeText(place: Place, { passage }: Texts): string {
  switch (place.type) {
    case "pages":
      return place.first === place.last ? passage.page(place.first) : passage.pages(place.first, place.last);
    case "rows":
      return place.first === place.last ? passage.row(place.first) : passage.rows(place.first, place.last);
    case "slide":
      return passage.slide(place.number);
    case "cells":
      return passage.cells(place.sheet, place.range);
  }
}
