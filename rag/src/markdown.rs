//! Splits the Markdown of a passage into segments of plain text: sentences, headings, list items, table rows
//! and code blocks.

use pulldown_cmark::{BrokenLink, CodeBlockKind, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};

/// The smallest part of a passage that can be quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// One sentence of a paragraph.
    Sentence {
        /// The sentence on one line.
        text: String,
        /// The number of the paragraph in the passage, from 1.
        paragraph: usize,
    },
    /// One list item on one line.
    Item(String),
    /// A row of a table.
    Row {
        /// The row on one line, each cell after the name of its column.
        text: String,
        /// The names of the columns.
        header: Vec<String>,
        cells: Vec<String>,
        /// The number of the table in the passage, from 1.
        table: usize,
        /// The number of the row in the table, from 1.
        row: u32,
    },
    /// A heading.
    Heading(String),
    /// A code block.
    Code {
        /// The lines without fences.
        text: String,
        /// The language of the fence, such as `rust`; empty if it names none.
        language: String,
    },
}

impl Segment {
    /// The text without markup.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Sentence { text, .. }
            | Self::Item(text)
            | Self::Row { text, .. }
            | Self::Heading(text)
            | Self::Code { text, .. } => text,
        }
    }
}

/// Returns the segments of a Markdown text in order.
pub(crate) fn segments(markdown: &str) -> Vec<Segment> {
    let mut builder = SegmentBuilder::default();
    // The definition of `[text][name]` may stand in another passage. `[name]` alone may be plain brackets.
    let undefined = |link: BrokenLink<'_>| {
        matches!(link.link_type, LinkType::Reference | LinkType::Collapsed)
            .then(|| (CowStr::Borrowed(""), CowStr::Borrowed("")))
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    for event in Parser::new_with_broken_link_callback(markdown, options, Some(undefined)) {
        builder.push(event);
    }
    builder.end_block();
    builder.segments
}

/// Returns the beginning of a Markdown text as plain text on one line, cut after about
/// `max_chars` characters.
pub(crate) fn snippet(markdown: &str, max_chars: usize) -> String {
    let segments = segments(markdown);
    let texts = segments.iter().filter(|segment| !matches!(segment, Segment::Heading(_))).map(Segment::text);
    cut(texts, max_chars)
}

/// Joins texts to one line, cut after about `max_chars` characters.
pub(crate) fn cut<'a>(texts: impl Iterator<Item = &'a str>, max_chars: usize) -> String {
    let mut line = String::new();
    for word in texts.flat_map(str::split_whitespace) {
        if line.chars().count() + word.chars().count() >= max_chars {
            line.push('…');
            return line;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[derive(Default)]
struct SegmentBuilder {
    segments: Vec<Segment>,
    /// The text of the current block, with its line breaks.
    text: String,
    paragraph: usize,
    /// The nesting of list items.
    item_depth: usize,
    table: usize,
    /// The rows of the current table so far.
    rows: u32,
    header: Vec<String>,
    /// The finished cells of the current row.
    cells: Vec<String>,
    /// The language of the current code block.
    code: Option<String>,
}

impl SegmentBuilder {
    fn push(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text.push_str(&text),
            Event::Code(code) => {
                self.text.push('`');
                self.text.push_str(&code);
                self.text.push('`');
            }
            Event::SoftBreak | Event::HardBreak => self.text.push('\n'),
            Event::InlineHtml(html) if !html.starts_with("<!--") => self.text.push_str(&html),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Item => {
                self.end_block();
                self.item_depth += 1;
            }
            Tag::Table(_) => {
                self.end_block();
                self.table += 1;
                self.rows = 0;
            }
            Tag::TableHead | Tag::TableRow => self.cells.clear(),
            Tag::CodeBlock(kind) => {
                self.end_block();
                let language = match kind {
                    CodeBlockKind::Fenced(info) => {
                        info.split([',', ' ']).next().unwrap_or_default().to_owned()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some(language);
            }
            Tag::Paragraph | Tag::BlockQuote(_) | Tag::List(_) | Tag::HtmlBlock | Tag::Heading { .. } => {
                self.end_block();
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Item => {
                self.end_block();
                self.item_depth = self.item_depth.saturating_sub(1);
            }
            TagEnd::TableCell => {
                let cell = one_line(&std::mem::take(&mut self.text));
                self.cells.push(cell);
            }
            TagEnd::TableHead => self.header = std::mem::take(&mut self.cells),
            TagEnd::TableRow => self.end_row(),
            TagEnd::CodeBlock => self.end_code(),
            TagEnd::Heading(_) => {
                let heading = one_line(&std::mem::take(&mut self.text));
                if has_words(&heading) {
                    self.segments.push(Segment::Heading(heading));
                }
            }
            TagEnd::Paragraph | TagEnd::BlockQuote(_) | TagEnd::HtmlBlock => self.end_block(),
            _ => {}
        }
    }

    fn end_row(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        self.rows += 1;
        let named = |(name, cell): (&String, &String)| match name.as_str() {
            "" => cell.clone(),
            name => format!("{name}: {cell}"),
        };
        let filled = self.header.iter().zip(&cells).filter(|(_, cell)| !cell.is_empty());
        let text = filled.map(named).collect::<Vec<_>>().join("; ");
        if has_words(&text) {
            let (header, table, row) = (self.header.clone(), self.table, self.rows);
            self.segments.push(Segment::Row { text, header, cells, table, row });
        }
    }

    fn end_code(&mut self) {
        let text = std::mem::take(&mut self.text).trim_matches('\n').to_owned();
        if let Some(language) = self.code.take()
            && !text.trim().is_empty()
        {
            self.segments.push(Segment::Code { text, language });
        }
    }

    fn end_block(&mut self) {
        let text = std::mem::take(&mut self.text);
        if !has_words(&text) {
            return;
        }
        if self.item_depth > 0 {
            self.segments.push(Segment::Item(one_line(&text)));
            return;
        }
        self.paragraph += 1;
        let paragraph = self.paragraph;
        let mut push = |text: &str| {
            let sentences = words::sentences(text).into_iter().map(str::to_owned);
            self.segments.extend(sentences.map(|text| Segment::Sentence { text, paragraph }));
        };
        if are_facts(&text) {
            text.lines().filter(|line| has_words(line)).for_each(|line| push(&one_line(line)));
        } else {
            push(&one_line(&text));
        }
    }
}

/// The longest line that is a fact of its own, in words.
const MAX_FACT_WORDS: usize = 10;

/// Whether each line of a block stands for itself, as in a list of telephone numbers: all lines are short and
/// begin anew, and most of them end without a mark.
fn are_facts(block: &str) -> bool {
    let lines: Vec<&str> = block.lines().map(str::trim).filter(|line| has_words(line)).collect();
    let begins_anew =
        |line: &&str| line.chars().find(|c| c.is_alphanumeric()).is_some_and(|c| !c.is_lowercase());
    let is_open = |line: &&&str| !words::ends_a_statement(line) && !line.ends_with([',', '，', '、', '-']);
    // Lines in Chinese and Japanese begin anew wherever they are broken.
    let names_something = |line: &&str| line.contains([':', '：']) || line.chars().any(char::is_numeric);
    let is_wide = |line: &&str| line.chars().next_back().is_some_and(words::is_wide);
    lines.len() > 1
        && lines.iter().all(|line| !is_wide(line) || names_something(line))
        && lines.iter().all(|line| words::length(line) <= MAX_FACT_WORDS)
        && lines.iter().all(begins_anew)
        && lines.iter().filter(is_open).count() * 2 > lines.len()
}

fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// Joins the lines of a text. Between characters of scripts without spaces, a line break is no space.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for part in text.split_whitespace() {
        if !line.is_empty() && !is_broken_word(text, &line, part) {
            line.push(' ');
        }
        line.push_str(part);
    }
    line
}

/// Whether a line break alone separates the end of a line from its continuation.
fn is_broken_word(text: &str, line: &str, part: &str) -> bool {
    let is_wide = |c: Option<char>| c.is_some_and(words::is_wide);
    let at = part.as_ptr().addr() - text.as_ptr().addr();
    text[..at].ends_with('\n') && is_wide(line.chars().next_back()) && is_wide(part.chars().next())
}

#[cfg(test)]
mod tests;
