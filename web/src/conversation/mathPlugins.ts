// Plugins that render formulas. Loaded with the first formula.

import "katex/dist/katex.min.css";
import rehypeKatex from "rehype-katex";
import remarkMath from "remark-math";
import type { PluggableList } from "unified";

export const remarkPlugins: PluggableList = [[remarkMath, { singleDollarTextMath: false }]];
export const rehypePlugins: PluggableList = [
  [rehypeKatex, { throwOnError: false, strict: "ignore", errorColor: "inherit" }],
];
