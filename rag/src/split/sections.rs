//! Finds the sections and code blocks of a Markdown text by the offsets of its parser.

use std::ops::{ControlFlow, Range};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::MAX_TITLE_CHARS;

/// The longest fence and the longest text behind it that are repeated around the parts of a split code block.
const MAX_FENCE_CHARS: usize = 8;
const MAX_INFO_CHARS: usize = 40;

/// The text between two headings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    /// The headings above the text, outermost first.
    pub(super) heading: Vec<String>,
    /// The bytes of the text in the document, without the heading.
    pub(super) body: Range<usize>,
}

/// A fenced code block.
pub(super) struct CodeBlock {
    /// The bytes of the block, fences included.
    pub(super) range: Range<usize>,
    /// The characters of the fence.
    pub(super) fence: String,
    /// The text behind the opening fence, such as the language.
    pub(super) info: String,
}

/// The Markdown extensions of documents.
pub(super) fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
}

/// Visits the sections of a document that have text, in order, until `visit` breaks. Headings inside quotes
/// and lists start no section.
pub(super) fn visit_sections<B>(
    document: &str,
    mut visit: impl FnMut(Section) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut current = Section { heading: Vec::new(), body: 0..document.len() };
    let mut nesting = 0_usize;
    let mut reading: Option<(usize, String)> = None;
    for (event, range) in Parser::new_ext(document, options()).into_offset_iter() {
        match event {
            Event::Start(Tag::BlockQuote(_) | Tag::List(_)) => nesting += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_)) => nesting = nesting.saturating_sub(1),
            Event::Start(Tag::Heading { level, .. }) if nesting == 0 => {
                current.body.end = range.start;
                reading = Some((level as usize, String::new()));
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, title)) = &mut reading {
                    push_bounded(title, &text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((level, title)) = reading.take() {
                    path.retain(|(above, _)| *above < level);
                    path.push((level, title.trim().to_owned()));
                    let heading = path.iter().map(|(_, title)| title.clone()).collect();
                    let next = Section { heading, body: range.end..document.len() };
                    let section = std::mem::replace(&mut current, next);
                    if has_text(&document[section.body.clone()]) {
                        visit(section)?;
                    }
                }
            }
            _ => {}
        }
    }
    if has_text(&document[current.body.clone()]) { visit(current) } else { ControlFlow::Continue(()) }
}

/// Appends text to a heading up to its longest length: every passage below a heading repeats it.
fn push_bounded(title: &mut String, text: &str) {
    let left = MAX_TITLE_CHARS.saturating_sub(title.chars().count());
    title.extend(text.chars().take(left));
}

fn has_text(text: &str) -> bool {
    !text.chars().all(char::is_whitespace)
}

/// Returns the first heading if no other heading has its level or a higher one.
pub(super) fn title(document: &str) -> Option<String> {
    let mut levels = Vec::new();
    let mut title = String::new();
    let mut reading = false;
    for event in Parser::new_ext(document, options()) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                reading = levels.is_empty();
                levels.push(level);
            }
            Event::End(TagEnd::Heading(_)) => reading = false,
            Event::Text(text) | Event::Code(text) if reading => push_bounded(&mut title, &text),
            _ => {}
        }
    }
    let (first, others) = levels.split_first()?;
    let title = title.trim();
    (!title.is_empty() && others.iter().all(|level| level > first)).then(|| title.to_owned())
}

/// The outermost blocks of a text.
pub(super) struct Blocks {
    /// The bytes of all blocks, in order.
    pub(super) all: Vec<Range<usize>>,
    /// The fenced code blocks among them.
    pub(super) code: Vec<CodeBlock>,
    /// The tables among them.
    pub(super) tables: Vec<Range<usize>>,
}

/// Returns the blocks of a text that are in no quote, list or other block.
pub(super) fn blocks(text: &str) -> Blocks {
    let mut nesting = 0_usize;
    let mut blocks = Blocks { all: Vec::new(), code: Vec::new(), tables: Vec::new() };
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        match event {
            Event::Start(tag) => {
                if nesting == 0 {
                    if let Tag::CodeBlock(CodeBlockKind::Fenced(info)) = &tag {
                        blocks.code.push(code_block(text, range.clone(), info));
                    }
                    if let Tag::Table(_) = &tag {
                        blocks.tables.push(range.clone());
                    }
                    blocks.all.push(range);
                }
                nesting += 1;
            }
            Event::End(_) => nesting = nesting.saturating_sub(1),
            Event::Rule if nesting == 0 => blocks.all.push(range),
            _ => {}
        }
    }
    blocks
}

fn code_block(text: &str, range: Range<usize>, info: &str) -> CodeBlock {
    let fence = text[range.clone()].chars().take_while(|c| matches!(c, '`' | '~')).take(MAX_FENCE_CHARS);
    CodeBlock { fence: fence.collect(), info: info.chars().take(MAX_INFO_CHARS).collect(), range }
}
