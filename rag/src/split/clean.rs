//! Takes out of a Markdown text what nobody reads: HTML comments and tags, metadata but its description, link definitions, code blocks that
//! only include a file. It must leave everything else as it was written.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Parser, Tag, TagEnd};

use super::sections::options;

/// HTML that wraps text in Markdown documents; anything else in angle brackets inside a paragraph may be meant as
/// text (`Vec<T>`).
const INLINE_TAGS: [&str; 22] = [
    "a", "abbr", "b", "br", "code", "del", "div", "em", "i", "img", "ins", "kbd", "mark", "p", "s", "small",
    "span", "strong", "sub", "summary", "sup", "u",
];

/// The document without what nobody reads.
pub(super) fn readable(document: &str) -> String {
    let document = document.replace("\r\n", "\n").replace('\0', "");
    let mut text = String::with_capacity(document.len());
    let mut kept = 0;
    for (range, instead) in edits(&document) {
        if range.start < kept {
            continue;
        }
        text.push_str(&document[kept..range.start]);
        text.push_str(&instead);
        kept = range.end;
    }
    text.push_str(&document[kept..]);
    text
}

/// What to replace, in order.
fn edits(document: &str) -> Vec<(Range<usize>, String)> {
    let parser = Parser::new_ext(document, options());
    let mut edits: Vec<(Range<usize>, String)> = parser
        .reference_definitions()
        .iter()
        .map(|(_, definition)| (definition.span.clone(), String::new()))
        .collect();
    let mut code: Option<(Range<usize>, String)> = None;
    let mut link: Option<(Range<usize>, Range<usize>)> = None;
    for (event, range) in parser.into_offset_iter() {
        if let Some((_, text)) = &mut link
            && !matches!(event, Event::End(TagEnd::Link))
        {
            *text = text.start.min(range.start)..text.end.max(range.end);
        }
        match event {
            Event::Start(Tag::Link { link_type: LinkType::Reference | LinkType::Collapsed, .. }) => {
                link = Some((range.clone(), range.end..range.start));
            }
            Event::End(TagEnd::Link) => {
                if let Some((mut whole, text)) = link.take() {
                    // The parser counts the brackets of `[text][]` as text behind the link.
                    if document[whole.end..].starts_with("[]") {
                        whole.end += 2;
                    }
                    edits.push((whole, document.get(text).unwrap_or_default().to_owned()));
                }
            }
            Event::Start(Tag::HtmlBlock) => {
                edits.push((range.clone(), without_tags(&document[range], |_| true)));
            }
            Event::Start(Tag::MetadataBlock(_)) => {
                let said = field(&document[range.clone()], "description").map(|said| said + "\n\n");
                edits.push((range, said.unwrap_or_default()));
            }
            Event::InlineHtml(html) => {
                let text = without_tags(&html, |name| INLINE_TAGS.contains(&name));
                edits.push((range, text));
            }
            Event::Start(Tag::CodeBlock(_)) => code = Some((range, String::new())),
            Event::Text(text) => {
                if let Some((_, said)) = &mut code {
                    said.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some((range, said)) = code.take()
                    && only_includes(&said)
                {
                    edits.push((range, String::new()));
                }
            }
            _ => {}
        }
    }
    edits.sort_by_key(|(range, _)| range.start);
    edits
}

/// What the metadata in front of a Markdown document calls it.
pub(super) fn named(document: &str) -> Option<String> {
    let document = document.replace("\r\n", "\n");
    let metadata = Parser::new_ext(&document, options())
        .into_offset_iter()
        .find(|(event, _)| matches!(event, Event::Start(Tag::MetadataBlock(_))));
    metadata.and_then(|(_, range)| field(&document[range], "title"))
}

/// The value of a field that stands on one line of YAML, without quotation marks.
fn field(metadata: &str, name: &str) -> Option<String> {
    let value = metadata.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?.trim();
    let bare = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    let value = bare.unwrap_or(value).trim();
    // A folded text stands on the lines below.
    let says = value.chars().any(char::is_alphanumeric) && !value.starts_with(['|', '>', '[', '{', '&']);
    says.then(|| value.to_owned())
}

/// Whether code is nothing but a book's directives to include a file.
fn only_includes(code: &str) -> bool {
    let mut lines = code.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    lines.peek().is_some() && lines.all(|line| line.starts_with("{{#") && line.ends_with("}}"))
}

/// HTML without its comments and the tags of these (lower-case) names; a line break stays a space.
fn without_tags(html: &str, dropped: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let tag = &rest[start..];
        let end = if tag.starts_with("<!--") {
            tag.find("-->").map_or(tag.len(), |end| end + 3)
        } else {
            end_of_tag(tag)
        };
        let name: String = tag[1..]
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if !tag.starts_with("<!--") && !dropped(&name) {
            text.push_str(&tag[..end]);
        } else if name == "br" {
            text.push(' ');
        }
        rest = &tag[end..];
    }
    text.push_str(rest);
    text
}

/// Where a tag ends: behind the first `>` outside quotation marks, or any where there is none.
fn end_of_tag(tag: &str) -> usize {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    tag.find('>').map_or(tag.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_wrappers_and_includes_go() {
        let text = readable(
            "---\ntitle: x\n---\n\nBefore.\n\n<!-- Old\n\nheadings -->\n\n<Listing number=\"1\" caption=\"A `Vec<T>` of it\">\n\n```rust\n{{#include a.rs}}\n```\n\n</Listing>\n\n<a id=\"x\"></a>After.\n",
        );
        assert!(text.contains("Before.") && text.contains("After."));
        for gone in ["Old", "Listing", "of it", "include", "<a", "title: x"] {
            assert!(!text.contains(gone), "{gone} in {text}");
        }
    }

    #[test]
    fn of_the_metadata_name_and_description_are_kept() {
        let text =
            "---\ntitle: \"Disk: care\"\ndescription: How to look after disks\ntags: [x]\n---\n\nClean it.\n";
        assert_eq!(named(text).as_deref(), Some("Disk: care"));
        assert_eq!(
            readable(text).split_whitespace().collect::<Vec<_>>().join(" "),
            "How to look after disks Clean it."
        );
        assert_eq!(named("---\ntitle: >\n  folded\n---\n\nx"), None);
        assert_eq!(named("# Title\n\ntitle: no"), None);
    }

    #[test]
    fn links_by_reference_become_their_text() {
        let text = "See [the `book`][book], [it][], [v] and [here](http://x).\n\n[book]: ch1.html \"T\"\n[it]: x\n[v]: y\n";
        assert_eq!(readable(text).trim(), "See the `book`, it, [v] and [here](http://x).");
    }

    #[test]
    fn generics_and_code_stay() {
        let text = "A Vec<T> and `<div>` and\n\n```html\n<div>\n```\n";
        assert_eq!(readable(text), text);
    }
}
