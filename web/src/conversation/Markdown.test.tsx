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

  it("turns the number of a source into a mark and leaves other numbers", () => {
    const html = render("So it is [1], not [2].");
    expect(html).toMatch(/<button[^>]*title="The title"[^>]*>1<\/button>/);
    expect(html).toContain("[2]");
  });
});

describe("what could harm the page, in an answer", () => {
  it.each([
    ["| a |\n|---|\n| one<br>two<br/>three |", "<td>one<br/>two<br/>three</td>"],
    ["CO<sub>2</sub> and x<sup>2</sup>", "CO<sub>2</sub> and x<sup>2</sup>"],
    ["Press <kbd>Alt</kbd> and <B>now</B>", "Press <kbd>Alt</kbd> and <b>now</b>"],
    [
      "<details open><summary>More</summary>a &lt; b</details>",
      '<details open=""><summary>More</summary>a &lt; b</details>',
    ],
    ["Steam<!-- hidden --> rises", "Steam rises"],
  ])("renders safe tags: %s", (text, expected) => {
    expect(render(text)).toContain(expected);
  });

  it("renders the Markdown inside of an element that spans several blocks", () => {
    const html = render("<details>\n<summary>Steps</summary>\n\n- **one** [1]\n\nLast\n\n</details>\n\nAfter");
    expect(html).toMatch(/<details>\s*<summary>Steps<\/summary>.*<strong>one<\/strong> <button.*Last.*<\/details>/s);
    expect(html).toMatch(/<\/details>.*<p>After<\/p>/s);
  });

  it("keeps no attribute of a tag", () => {
    const html = render('<sub onclick="alert(1)" style="color:red" class="x">a</sub><div id="root">b</div>');
    expect(html).not.toMatch(/onclick|style|class="x"|id=/);
    expect(html).toContain("<sub>a</sub>");
  });

  it("shows a tag that nothing closes, and one that closes nothing, as text", () => {
    expect(render("the tags <kbd> and </sub>")).toContain("the tags &lt;kbd&gt; and &lt;/sub&gt;");
  });

  it.each([
    ["quotations", `${">".repeat(3000)} end`],
    ["lists", Array.from({ length: 300 }, (_, level) => `${"  ".repeat(level)}- end`).join("\n")],
    ["lists on a line", `${"- ".repeat(3000)}end`],
    ["brackets", `${"[".repeat(3000)}end${"]".repeat(3000)}`],
    ["emphasis", `${"*".repeat(9000)}end${"*".repeat(9000)}`],
    ["emphasis of parts of a word", `${"**a".repeat(9000)}end`],
    ["elements", `${"<div>".repeat(3000)}end`],
  ])("is shown as it was written if it has very deep %s", (_, text) => {
    expect(render(`Before\n\n${text}\n`)).toContain("end");
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
});
