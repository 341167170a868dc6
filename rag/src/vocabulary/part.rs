//! The parts of an extracted document, which are split into passages each on its own.

use super::{Markup, Place};

/// A page, a slide, a sheet or a chapter of a document; the whole document, where its format has
/// none of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The headings above the part, outermost first, such as the name of a sheet.
    pub heading: Vec<String>,
    /// The text.
    pub content: Content,
    /// The place of the whole part. The passages of a table have the places of their rows.
    pub place: Option<Place>,
}

/// The text of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A text with its markup language.
    Text(Markup, String),
    /// A table.
    Table(Table),
}

/// A table with the numbers of its rows in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// The names of the columns; empty where the table has none.
    pub header: Vec<String>,
    /// The rows below the header, each with its number in the file, from 1.
    pub rows: Vec<(u32, Vec<String>)>,
}

impl Part {
    /// A text without headings and place.
    pub const fn text(markup: Markup, text: String) -> Self {
        Self { heading: Vec::new(), content: Content::Text(markup, text), place: None }
    }

    /// Whether the part has a letter or a digit.
    pub fn has_text(&self) -> bool {
        let has = |text: &str| text.chars().any(char::is_alphanumeric);
        match &self.content {
            Content::Text(_, text) => has(text),
            Content::Table(table) => table
                .header
                .iter()
                .chain(table.rows.iter().flat_map(|(_, cells)| cells))
                .any(|cell| has(cell)),
        }
    }

    /// The bytes of the text.
    pub fn len(&self) -> usize {
        match &self.content {
            Content::Text(_, text) => text.len(),
            Content::Table(table) => {
                let rows = table.rows.iter().flat_map(|(_, cells)| cells);
                table.header.iter().chain(rows).map(|cell| cell.len() + 3).sum()
            }
        }
    }

    /// The last page or slide of the part; `None` where its format has none.
    pub const fn last_page(&self) -> Option<u32> {
        match &self.place {
            Some(place) => place.last_page(),
            None => None,
        }
    }

    /// Whether the text has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Table {
    /// The table as Markdown, with an empty header where it has none.
    pub fn to_markdown(&self) -> String {
        let width = self.rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0).max(self.header.len());
        let mut markdown = header_lines(&self.header, width);
        for (_, cells) in &self.rows {
            markdown.push_str(&row_line(cells, width));
        }
        markdown
    }
}

/// The header of a table and the line below it.
pub(crate) fn header_lines(header: &[String], width: usize) -> String {
    row_line(header, width) + "|" + &"---|".repeat(width.max(1)) + "\n"
}

/// A row of a table as a line of Markdown.
pub(crate) fn row_line(cells: &[String], width: usize) -> String {
    let mut line = String::from("|");
    for index in 0..width.max(1) {
        let cell = cells.get(index).map_or("", String::as_str);
        let cell = cell.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
        line.push(' ');
        line.push_str(&cell);
        line.push_str(" |");
    }
    line.push('\n');
    line
}
