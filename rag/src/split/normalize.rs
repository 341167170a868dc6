//! Removes the markup of a Markdown document that is no text: HTML comments and tags, front matter except its
//! description, link definitions, and code blocks that only include a file. All other text stays unchanged.

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Parser, Tag, TagEnd};

use super::sections::options;

/// HTML tags that are removed from paragraphs, sorted. Other angle brackets may be text, as in `Vec<T>`.
const INLINE_TAGS: [&str; 22] = [
    "a", "abbr", "b", "br", "code", "del", "div", "em", "i", "img", "ins", "kbd", "mark", "p", "s", "small",
    "span", "strong", "sub", "summary", "sup", "u",
];

/// Returns the document without markup that is no text.
pub(super) fn normalize(document: &str) -> String {
    let mut document = unix_lines(document);
    if document.contains('\0') {
        document = Cow::Owned(document.replace('\0', ""));
    }
    let mut text = String::with_capacity(document.len());
    let mut copied = 0;
    for Edit { range, replacement } in edits(&document) {
        if range.start < copied {
            continue;
        }
        text.push_str(&document[copied..range.start]);
        text.push_str(&replacement);
        copied = range.end;
    }
    text.push_str(&document[copied..]);
    text
}

/// Returns the document with line feeds alone at the ends of its lines.
pub(super) fn unix_lines(document: &str) -> Cow<'_, str> {
    if document.contains("\r\n") {
        Cow::Owned(document.replace("\r\n", "\n"))
    } else {
        Cow::Borrowed(document)
    }
}

/// Returns the title in the front matter of a Markdown document.
pub(super) fn front_matter_title(document: &str) -> Option<String> {
    let document = unix_lines(document);
    let front_matter = Parser::new_ext(&document, options())
        .into_offset_iter()
        .find(|(event, _)| matches!(event, Event::Start(Tag::MetadataBlock(_))));
    front_matter.and_then(|(_, range)| yaml_value(&document[range], "title"))
}

/// A replacement of a range of the document.
struct Edit {
    range: Range<usize>,
    replacement: String,
}

/// Returns the edits in the order of their starts. Edits can overlap; the first one wins.
fn edits(document: &str) -> Vec<Edit> {
    let parser = Parser::new_ext(document, options());
    let definitions = parser.reference_definitions().iter();
    let edits = definitions
        .map(|(_, definition)| Edit { range: definition.span.clone(), replacement: String::new() })
        .collect();
    let mut collector = EditCollector { document, edits, code: None, link: None };
    for (event, range) in parser.into_offset_iter() {
        collector.push(event, range);
    }
    collector.edits.sort_by_key(|edit| edit.range.start);
    collector.edits
}

/// Collects edits from the events of the parser.
struct EditCollector<'a> {
    document: &'a str,
    edits: Vec<Edit>,
    /// The range and the text of the current code block.
    code: Option<(Range<usize>, String)>,
    /// The ranges of the current reference link and of its text.
    link: Option<(Range<usize>, Range<usize>)>,
}

impl EditCollector<'_> {
    fn push(&mut self, event: Event<'_>, range: Range<usize>) {
        if let Some((_, text)) = &mut self.link
            && !matches!(event, Event::End(TagEnd::Link))
        {
            *text = text.start.min(range.start)..text.end.max(range.end);
        }
        match event {
            Event::Start(Tag::Link { link_type: LinkType::Reference | LinkType::Collapsed, .. }) => {
                self.link = Some((range.clone(), range.end..range.start));
            }
            Event::End(TagEnd::Link) => self.end_link(),
            Event::Start(Tag::HtmlBlock) => {
                let replacement = without_tags(&self.document[range.clone()], |_| true);
                self.replace(range, replacement);
            }
            Event::Start(Tag::MetadataBlock(_)) => {
                let description = yaml_value(&self.document[range.clone()], "description");
                self.replace(range, description.map(|text| text + "\n\n").unwrap_or_default());
            }
            Event::InlineHtml(html) => {
                self.replace(range, without_tags(&html, |name| INLINE_TAGS.contains(&name)));
            }
            Event::Start(Tag::CodeBlock(_)) => self.code = Some((range, String::new())),
            Event::Text(text) => {
                if let Some((_, code)) = &mut self.code {
                    code.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some((range, code)) = self.code.take()
                    && only_includes_files(&code)
                {
                    self.replace(range, String::new());
                }
            }
            _ => {}
        }
    }

    /// Replaces the current reference link by its text.
    fn end_link(&mut self) {
        let Some((mut range, text)) = self.link.take() else { return };
        // The parser reports the brackets of `[text][]` as text behind the link.
        if self.document[range.end..].starts_with("[]") {
            range.end += 2;
        }
        let replacement = self.document.get(text).unwrap_or_default().to_owned();
        self.replace(range, replacement);
    }

    fn replace(&mut self, range: Range<usize>, replacement: String) {
        self.edits.push(Edit { range, replacement });
    }
}

/// Returns the value of a YAML key on the same line, without quotation marks. Values over several lines,
/// lists and mappings are ignored.
fn yaml_value(yaml: &str, key: &str) -> Option<String> {
    let value = yaml.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?.trim();
    let unquoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    let value = unquoted.unwrap_or(value).trim();
    let is_text = value.chars().any(char::is_alphanumeric) && !value.starts_with(['|', '>', '[', '{', '&']);
    is_text.then(|| value.to_owned())
}

/// Whether a code block holds nothing but mdBook directives that include files.
fn only_includes_files(code: &str) -> bool {
    let mut lines = code.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    lines.peek().is_some() && lines.all(|line| line.starts_with("{{#") && line.ends_with("}}"))
}

/// Removes comments, and the tags whose lower-case names `is_removed` accepts. A removed `<br>` becomes
/// a space.
fn without_tags(html: &str, is_removed: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let tag = &rest[start..];
        let end = if tag.starts_with("<!--") {
            tag.find("-->").map_or(tag.len(), |end| end + 3)
        } else {
            tag_len(tag)
        };
        let name: String = tag[1..]
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if !tag.starts_with("<!--") && !is_removed(&name) {
            text.push_str(&tag[..end]);
        } else if name == "br" {
            text.push(' ');
        }
        rest = &tag[end..];
    }
    text.push_str(rest);
    text
}

/// Returns the length of a tag up to the first `>` outside quotation marks, or up to the first `>` if a
/// quotation mark is not closed.
fn tag_len(tag: &str) -> usize {
    let mut quote = None;
    for (index, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return index + 1,
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
    fn comments_tags_and_includes_are_removed() {
        let text = normalize(
            "---\ntitle: x\n---\n\nBefore.\n\n<!-- Old\n\nheadings -->\n\n<Listing number=\"1\" caption=\"A `Vec<T>` of it\">\n\n```rust\n{{#include a.rs}}\n```\n\n</Listing>\n\n<a id=\"x\"></a>After.\n",
        );
        assert!(text.contains("Before.") && text.contains("After."));
        for removed in ["Old", "Listing", "of it", "include", "<a", "title: x"] {
            assert!(!text.contains(removed), "{removed} in {text}");
        }
    }

    #[test]
    fn title_and_description_of_the_front_matter_are_read() {
        let text =
            "---\ntitle: \"Disk: care\"\ndescription: How to look after disks\ntags: [x]\n---\n\nClean it.\n";
        assert_eq!(front_matter_title(text).as_deref(), Some("Disk: care"));
        assert_eq!(
            normalize(text).split_whitespace().collect::<Vec<_>>().join(" "),
            "How to look after disks Clean it."
        );
        assert_eq!(front_matter_title("---\ntitle: >\n  folded\n---\n\nx"), None);
        assert_eq!(front_matter_title("# Title\n\ntitle: no"), None);
    }

    #[test]
    fn reference_links_become_their_text() {
        let text = "See [the `book`][book], [it][], [v] and [here](http://x).\n\n[book]: ch1.html \"T\"\n[it]: x\n[v]: y\n";
        assert_eq!(normalize(text).trim(), "See the `book`, it, [v] and [here](http://x).");
    }

    #[test]
    fn generics_and_code_are_unchanged() {
        let text = "A Vec<T> and `<div>` and\n\n```html\n<div>\n```\n";
        assert_eq!(normalize(text), text);
    }
}
