//! Divides tables into passages between their rows. Each passage begins with the header of its table, so that
//! a row says what its cells mean.

use std::ops::Range;

use text_splitter::ChunkSizer as _;

use super::sizer::Sizer;
use super::windows::Windows;
use super::{FENCE_TOKENS, MAX_TOKENS, TARGET_TOKENS};
use crate::vocabulary::{Table, header_lines, row_line};

/// The longest header that each passage repeats. A table with a longer one is written row by row, each cell
/// behind the name of its column.
const MAX_HEADER_TOKENS: usize = TARGET_TOKENS / 3;
/// Rows without text between two rows of a passage. They are kept as empty rows, so that the rows of a passage
/// have consecutive numbers. A wider gap begins a new passage.
const MAX_EMPTY_ROWS: u32 = 3;
/// The longest name of a column in a row that is written cell by cell.
const MAX_NAME_CHARS: usize = 60;

/// A passage of a table.
pub(super) struct Rows {
    pub(super) text: String,
    /// The numbers of its first and of its last row.
    pub(super) first: u32,
    pub(super) last: u32,
}

/// A stretch of a Markdown text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stretch {
    Prose(Range<usize>),
    Table(Range<usize>),
}

/// Divides a text with these blocks, of which some are tables, into tables and what stands between them. A
/// short paragraph that introduces a table stays with the text before it.
pub(super) fn stretches(text: &str, tables: &[Range<usize>]) -> Vec<Stretch> {
    let mut stretches = Vec::with_capacity(tables.len() * 2 + 1);
    let mut start = 0;
    for table in tables {
        if !text[start..table.start].trim().is_empty() {
            stretches.push(Stretch::Prose(start..table.start));
        }
        stretches.push(Stretch::Table(table.clone()));
        start = table.end;
    }
    if !text[start..].trim().is_empty() {
        stretches.push(Stretch::Prose(start..text.len()));
    }
    stretches
}

/// Reads a table of Markdown. Its rows are numbered from 1, the header not counted.
pub(super) fn parse(markdown: &str) -> Table {
    let mut lines = markdown.lines().filter(|line| !line.trim().is_empty()).map(cells);
    let header = lines.next().unwrap_or_default();
    // The line of dashes.
    lines.next();
    Table { header, rows: (1..).zip(lines).collect() }
}

/// The cells of a line of a table.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches('>').trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let mut cells = vec![String::new()];
    let mut escaped = false;
    for c in line.chars() {
        match c {
            '|' if !escaped => cells.push(String::new()),
            '|' => {
                if let Some(cell) = cells.last_mut() {
                    cell.pop();
                    cell.push('|');
                }
            }
            c => {
                if let Some(cell) = cells.last_mut() {
                    cell.push(c);
                }
            }
        }
        escaped = c == '\\' && !escaped;
    }
    if cells.last().is_some_and(|last| last.trim().is_empty()) {
        cells.pop();
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

/// The passages of a table.
pub(super) fn passages(sizer: &Sizer, table: &Table) -> Vec<Rows> {
    let width = table.rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0).max(table.header.len());
    let header = header_lines(&table.header, width);
    let header_tokens = sizer.size(&header);
    let empty = row_line(&[], width);
    let empty_tokens = sizer.size(&empty);
    let mut passages: Vec<Rows> = Vec::new();
    // The tokens of the passage that is being filled; `None` after a row that was written alone.
    let mut filled: Option<usize> = None;
    for (number, cells) in &table.rows {
        let line = row_line(cells, width);
        let tokens = sizer.size(&line);
        if header_tokens > MAX_HEADER_TOKENS || header_tokens + tokens > MAX_TOKENS - FENCE_TOKENS {
            filled = None;
            passages.extend(cell_by_cell(sizer, table, *number, cells));
            continue;
        }
        // Rows of the sheet between this one and the last one of the passage; none if it is out of order.
        let gap = passages.last().and_then(|passage| number.checked_sub(passage.last + 1));
        let gap = gap.filter(|gap| *gap <= MAX_EMPTY_ROWS);
        match (&mut filled, passages.last_mut(), gap.and_then(|gap| usize::try_from(gap).ok())) {
            (Some(before), Some(passage), Some(gap))
                if *before + gap * empty_tokens + tokens <= TARGET_TOKENS =>
            {
                *before += gap * empty_tokens + tokens;
                passage.text.push_str(&empty.repeat(gap));
                passage.text.push_str(&line);
                passage.last = *number;
            }
            _ => {
                filled = Some(header_tokens + tokens);
                passages.push(Rows { text: header.clone() + &line, first: *number, last: *number });
            }
        }
    }
    passages
}

/// A row as lines, each of which is a cell behind the name of its column.
fn cell_by_cell(sizer: &Sizer, table: &Table, number: u32, cells: &[String]) -> Vec<Rows> {
    let mut text = String::new();
    for (index, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.trim().is_empty()) {
        let name: String =
            table.header.get(index).into_iter().flat_map(|name| name.chars()).take(MAX_NAME_CHARS).collect();
        let cell = cell.split_whitespace().collect::<Vec<_>>().join(" ");
        text.push_str("- ");
        if !name.trim().is_empty() {
            text.push_str(name.trim());
            text.push_str(": ");
        }
        text.push_str(&cell);
        text.push('\n');
    }
    let ranges = Windows::new(sizer, MAX_TOKENS - FENCE_TOKENS).plain(&text, 0..text.len());
    ranges
        .into_iter()
        .map(|range| Rows { text: text[range].to_owned(), first: number, last: number })
        .collect()
}
