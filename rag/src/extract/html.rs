//! Converts an HTML page to Markdown, tag by tag and without a tree, so that no nesting costs a stack or
//! time. Navigation is left out, unless the page holds little text beside it. Pictures
//! are their descriptions.

mod blocks;
mod table;
mod writer;

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::TokenizerOpts;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer};

use super::merged::Span;
use blocks::Blocks;
use writer::Writer;

/// A converted page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// The title in the head.
    pub(super) title: Option<String>,
    /// The text as Markdown.
    pub(super) markdown: String,
}

/// Elements that are omitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// Elements that rarely hold text of the page.
    Text,
    /// Nothing but programs and styles.
    All,
}

/// Converts a page.
pub(super) fn convert(html: &str) -> Page {
    let (title, blocks) = read(html, Keep::Text);
    let blocks = if blocks.has_text() { blocks } else { read(html, Keep::All).1 };
    Page { title, markdown: blocks.main_text() }
}

fn read(html: &str, keep: Keep) -> (Option<String>, Blocks) {
    let sink = Sink { keep, state: RefCell::default() };
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(html));
    // A script pauses the tokenizer, and none is run.
    while !queue.is_empty() {
        let _ = tokenizer.feed(&queue);
    }
    tokenizer.end();
    let state = tokenizer.sink.state.into_inner();
    let title = state.title.split_whitespace().collect::<Vec<_>>().join(" ");
    (Some(title).filter(|title| !title.is_empty()), state.writer.finish())
}

struct Sink {
    keep: Keep,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    writer: Writer,
    title: String,
    in_title: bool,
    /// The element that is left out, and how many of its kind are open.
    skipped: Option<(String, usize)>,
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.state.borrow_mut();
        match token {
            Token::TagToken(tag) => return state.tag(&tag, self.keep),
            Token::CharacterTokens(text) => state.text(&text),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl State {
    fn text(&mut self, text: &str) {
        if self.skipped.is_some() {
            return;
        }
        if self.in_title {
            self.title.push_str(text);
        } else {
            self.writer.text(text);
        }
    }

    fn tag(&mut self, tag: &Tag, keep: Keep) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        if self.skip(tag, name, keep) {
            return raw_text(tag, name);
        }
        match (tag.kind, name) {
            (TagKind::StartTag, "title") if !tag.self_closing && self.writer.is_at_start() => {
                self.in_title = true;
            }
            (TagKind::EndTag, "title") => self.in_title = false,
            (TagKind::StartTag, "img") => {
                if let Some(alt) = attribute(tag, "alt") {
                    self.writer.description(alt);
                }
            }
            (TagKind::StartTag, "td" | "th") => {
                let span = Span::of(attribute(tag, "colspan"), attribute(tag, "rowspan"));
                self.writer.start_cell(Span { is_name: name == "th", ..span });
            }
            (TagKind::StartTag, name) => {
                self.writer.start(name);
                if tag.self_closing {
                    self.writer.end(name);
                }
            }
            (TagKind::EndTag, name) => self.writer.end(name),
        }
        raw_text(tag, name)
    }

    /// Whether the tag belongs to an element that is left out.
    fn skip(&mut self, tag: &Tag, name: &str, keep: Keep) -> bool {
        let is_start = tag.kind == TagKind::StartTag;
        // The end tag of a gloss may be left out.
        let ends_gloss =
            if is_start { matches!(name, "rb" | "rt" | "rp" | "p") } else { matches!(name, "ruby" | "p") };
        if ends_gloss && self.skipped.as_ref().is_some_and(|(skipped, _)| matches!(&**skipped, "rt" | "rp")) {
            self.skipped = None;
        }
        match &mut self.skipped {
            Some((skipped, depth)) if skipped == name => {
                if is_start && !tag.self_closing {
                    *depth += 1;
                } else if !is_start {
                    *depth -= 1;
                    if *depth == 0 {
                        self.skipped = None;
                    }
                }
                true
            }
            Some(_) => true,
            None if is_start && is_skipped(name, keep) => {
                if !tag.self_closing {
                    self.skipped = Some((name.to_owned(), 1));
                }
                true
            }
            None => false,
        }
    }
}

fn is_skipped(name: &str, keep: Keep) -> bool {
    match name {
        // Glosses stand between the characters of a word.
        "script" | "style" | "rt" | "rp" => true,
        "noscript" | "template" | "svg" | "math" | "iframe" | "object" | "select" | "datalist" | "canvas" => {
            keep == Keep::Text
        }
        _ => false,
    }
}

/// Reading of the text inside an element.
fn raw_text(tag: &Tag, name: &str) -> TokenSinkResult<()> {
    if tag.kind == TagKind::EndTag || tag.self_closing {
        return TokenSinkResult::Continue;
    }
    match name {
        "script" => TokenSinkResult::RawData(RawKind::ScriptData),
        "style" | "iframe" | "xmp" => TokenSinkResult::RawData(RawKind::Rawtext),
        "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
        _ => TokenSinkResult::Continue,
    }
}

fn attribute<'a>(tag: &'a Tag, name: &str) -> Option<&'a str> {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| &*attribute.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markdown(html: &str) -> String {
        convert(html).markdown
    }

    #[test]
    fn headings_lists_tables_and_code_are_markdown() {
        let page = "<title>Tea &amp; more</title><h2>Kinds</h2><ul><li>green<li>black<ol><li>Assam</ol></ul>\
                    <table><tr><th>kind<th>minutes</tr><tr><td>green<td>two | three</table><pre>a\n  b</pre>";
        assert_eq!(
            markdown(page),
            "## Kinds\n\n- green\n- black\n  1. Assam\n\n| kind | minutes |\n|---|---|\n| green | two \\| three |\n\n\
             ```\na\n  b\n```\n"
        );
        assert_eq!(convert(page).title.as_deref(), Some("Tea & more"));
    }

    #[test]
    fn forms_headers_and_asides_are_text_and_navigation_is_not() {
        let page = "<body><nav><a href=a>Home</a> <a href=b>Shop</a></nav><header><p>Open from nine to five on all \
                    weekdays.</p></header><form><p>The evening ferry leaves at eight.</p></form><aside>Dogs travel \
                    free of charge.</aside></body>";
        let text = markdown(page);
        for kept in ["nine to five", "evening ferry", "Dogs travel"] {
            assert!(text.contains(kept), "{kept}");
        }
        assert!(!text.contains("Shop"));
    }

    #[test]
    fn a_page_with_nothing_beside_its_navigation_is_kept() {
        assert!(markdown("<nav><p>The ferry leaves at eight.</p></nav>").contains("ferry"));
        let frames =
            "<frameset><frame src=a><noframes><body>The ferry leaves at eight.</body></noframes></frameset>";
        assert_eq!(markdown(frames), "The ferry leaves at eight.\n");
        assert!(markdown("<noscript>The ferry leaves at eight.</noscript>").contains("ferry"));
    }

    #[test]
    fn pictures_are_their_descriptions() {
        let picture = format!(
            "<p>The pier: <img alt='a red pier' src='data:image/png;base64,{}'></p>",
            "A".repeat(90_000)
        );
        assert_eq!(markdown(&picture), "The pier: a red pier\n");
    }

    #[test]
    fn a_table_for_layout_is_its_text() {
        let page = "<table><tr><td><table><tr><td><h1>News</h1><p>The pier is closed.</td></tr></table></td></tr></table>";
        assert_eq!(markdown(page), "# News\n\nThe pier is closed.\n");
    }

    #[test]
    fn a_table_with_merged_cells_names_each_column_and_row_in_full() {
        let page = "<table><tr><th rowspan=2>Line<th colspan=2>Summer</tr><tr><th>first<th>last</tr>\
                    <tr><td rowspan=2>North<td>6:10<td>22:40</tr><tr><td>6:25<td>22:55</tr></table>";
        assert_eq!(
            markdown(page),
            "| Line | Summer first | Summer last |\n|---|---|---|\n| North | 6:10 | 22:40 |\n| North | 6:25 | 22:55 |\n"
        );
    }

    #[test]
    fn glosses_are_left_out_and_raised_digits_stay_apart_from_their_number() {
        let page = "<p><ruby>東<rp>(<rt>とう<rp>)</ruby><ruby>京<rt>きょう</rt></ruby>の船</p><p>10<sup>6</sup> H<sub>2</sub>O\
                    <sup>2</sup></p>";
        assert_eq!(markdown(page), "東京の船\n\n10⁶ H2O²\n");
    }

    #[test]
    fn nesting_costs_neither_stack_nor_time() {
        for tag in ["div", "table><tr><td", "ul><li", "b", "blockquote", "span", "svg", "nav"] {
            let open = format!("<{tag}>").repeat(60_000);
            let text = markdown(&format!("{open}The ferry leaves at eight."));
            assert!(text.contains("The ferry leaves at eight."), "{tag}");
        }
    }

    #[test]
    fn text_that_looks_like_markup_stays_text() {
        assert_eq!(markdown("<p># no heading</p><p>a &lt;b&gt; c</p>"), "\\# no heading\n\na \\<b> c\n");
    }
}
