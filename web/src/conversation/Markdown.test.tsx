import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import type { Citation } from "../api/types";
import Markdown from "./Markdown";

const SOURCE: Citation = { number: 1, document_id: "d", title: "The title", passage: 0, snippet: "…", score: 1 };
const drawn = (text: string) => renderToStaticMarkup(<Markdown text={text} citations={[SOURCE]} />);

describe("an answer's Markdown", () => {
  it("is drawn with tables, code and lists", () => {
    const html = drawn("- a\n- **b**\n\n| x |\n|---|\n| y |\n\n```rust\nfn main() {}\n```");
    for (const part of ["<li>a</li>", "<strong>b</strong>", "<td>y</td>", "fn main() {}", "<span>rust</span>"]) {
      expect(html).toContain(part);
    }
  });

  it("shows HTML as text and lets no script in", () => {
    const html = drawn('<script>alert(1)</script><img src=x onerror="alert(1)">\n\n[go](javascript:alert(1))');
    expect(html).not.toMatch(/<script|<img|javascript:/);
  });

  it("loads no picture from anywhere", () => {
    const html = drawn("![a chart](https://elsewhere.example/pixel.png)");
    expect(html).not.toContain("elsewhere.example");
    expect(html).toContain("a chart");
  });

  it("opens links beside the page, without telling where from", () => {
    expect(drawn("[go](https://elsewhere.example)")).toMatch(
      /<a [^>]*target="_blank"[^>]*rel="noopener noreferrer nofollow"/,
    );
  });

  it("turns a known number into a mark and leaves an unknown one", () => {
    const html = drawn("So it is [1], not [2].");
    expect(html).toMatch(/<button[^>]*title="The title"[^>]*>1<\/button>/);
    expect(html).toContain("[2]");
  });
});
