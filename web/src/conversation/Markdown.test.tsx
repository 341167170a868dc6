import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import type { Citation } from "../api/types";
import Markdown from "./Markdown";

const SOURCE: Citation = { number: 1, document_id: "d", title: "The title", passage: 0, snippet: "…", score: 1 };
const render = (text: string) => renderToStaticMarkup(<Markdown text={text} citations={[SOURCE]} />);

describe("the Markdown of an answer", () => {
  it("is rendered with tables, code and lists", () => {
    const html = render("- a\n- **b**\n\n| x |\n|---|\n| y |\n\n```rust\nfn main() {}\n```");
    for (const part of ["<li>a</li>", "<strong>b</strong>", "<td>y</td>", "fn main() {}", "<span>rust</span>"]) {
      expect(html).toContain(part);
    }
  });

  it("shows HTML as text", () => {
    const html = render('<script>alert(1)</script><img src=x onerror="alert(1)">\n\n[go](javascript:alert(1))');
    expect(html).not.toMatch(/<script|<img|javascript:/);
  });

  it("shows the description of an image instead of loading it", () => {
    const html = render("![a chart](https://elsewhere.example/pixel.png)");
    expect(html).not.toContain("elsewhere.example");
    expect(html).toContain("a chart");
  });

  it("opens links in a new tab without a referrer", () => {
    expect(render("[go](https://elsewhere.example)")).toMatch(
      /<a [^>]*target="_blank"[^>]*rel="noopener noreferrer nofollow"/,
    );
  });

  it("turns the number of a source into a mark and leaves other numbers", () => {
    const html = render("So it is [1], not [2].");
    expect(html).toMatch(/<button[^>]*title="The title"[^>]*>1<\/button>/);
    expect(html).toContain("[2]");
  });
});
