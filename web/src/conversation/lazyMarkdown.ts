// The Markdown renderer, loaded before its first use.

import { lazy } from "react";

export const loadMarkdown = () => import("./Markdown");

export const Markdown = lazy(loadMarkdown);
