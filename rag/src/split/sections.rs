//! Finds the sections and code blocks of a Markdown text by the offsets of its parser.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

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

/// Returns the sections of a document that have text. Headings inside quotes and lists start no section.
pub(super) fn sections(document: &str) -> Vec<Section> {
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut found = vec![Section { heading: Vec::new(), body: 0..document.len() }];
    let mut nesting = 0_usize;
    let mut reading: Option<(usize, String)> = None;
    for (event, range) in Parser::new_ext(document, options()).into_offset_iter() {
        match event {
            Event::Start(Tag::BlockQuote(_) | Tag::List(_)) => nesting += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_)) => nesting = nesting.saturating_sub(1),
            Event::Start(Tag::Heading { level, .. }) if nesting == 0 => {
                if let Some(last) = found.last_mut() {
                    last.body.end = range.start;
                }
                reading = Some((level as usize, String::new()));
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, title)) = &mut reading {
                    title.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((level, title)) = reading.take() {
                    path.retain(|(above, _)| *above < level);
                    path.push((level, title.trim().to_owned()));
                    let heading = path.iter().map(|(_, title)| title.clone()).collect();
                    found.push(Section { heading, body: range.end..document.len() });
                }
            }
            _ => {}
        }
    }
    found.retain(|section| !document[section.body.clone()].trim().is_empty());
    found
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
            Event::Text(text) | Event::Code(text) if reading => title.push_str(&text),
            _ => {}
        }
    }
    let (first, others) = levels.split_first()?;
    let title = title.trim();
    (!title.is_empty() && others.iter().all(|level| level > first)).then(|| title.to_owned())
}

/// Returns the fenced code blocks outside quotes and lists.
pub(super) fn code_blocks(text: &str) -> Vec<CodeBlock> {
    let mut nesting = 0_usize;
    let mut blocks = Vec::new();
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        match event {
            Event::Start(Tag::BlockQuote(_) | Tag::List(_)) => nesting += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_)) => nesting = nesting.saturating_sub(1),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) if nesting == 0 => {
                let fence = text[range.clone()].chars().take_while(|c| matches!(c, '`' | '~')).collect();
                blocks.push(CodeBlock { range, fence, info: info.to_string() });
            }
            _ => {}
        }
    }
    blocks
}
