//! Writes the rows of pages as Markdown: headings by the size of their letters, paragraphs by the distance of
//! their lines, and without what each page repeats at its top and bottom.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::lines::{BULLETS, Row, joined};
use super::tables;
use crate::extract::escaped;

/// Ratio of the letters of a heading to those of the text, at least.
const HEADING: f32 = 1.15;
/// The longest heading.
const MAX_HEADING_CHARS: usize = 120;
/// The distance between two lines of a paragraph, in letters' sizes.
const MAX_LEADING: f32 = 1.7;
/// Pages from which on what they repeat is left out.
const MIN_PAGES: usize = 2;
/// Rows at the top and at the bottom of a page that it may repeat.
const EDGE_ROWS: usize = 2;
/// The longest heading that is a sentence.
const MAX_SENTENCE_CHARS: usize = 60;

/// Properties that all pages of a document share.
pub(super) struct Layout {
    /// The size of the letters of the text.
    body: f32,
    /// The sizes of headings, largest first, in tenths of points.
    headings: Vec<i32>,
    /// Rows that most pages begin or end with, without their numbers.
    repeated: HashSet<String>,
}

impl Layout {
    pub(super) fn of<'a>(pages: impl Iterator<Item = &'a [Row]>) -> Self {
        let mut sizes: BTreeMap<i32, usize> = BTreeMap::new();
        let mut edges: HashMap<String, usize> = HashMap::new();
        let mut count = 0;
        for page in pages {
            count += 1;
            for row in page {
                *sizes.entry(tenths(row.size())).or_default() += row.text().chars().count();
            }
            let edges_of_page = page.iter().take(EDGE_ROWS).chain(page.iter().rev().take(EDGE_ROWS));
            let ends: HashSet<String> = edges_of_page.map(without_numbers).collect();
            for end in ends {
                *edges.entry(end).or_default() += 1;
            }
        }
        let body = sizes.iter().max_by_key(|(_, chars)| **chars).map_or(0, |(size, _)| *size);
        #[expect(clippy::cast_precision_loss, reason = "sizes are small")]
        let body_size = body as f32 / 10.0;
        let headings = sizes.keys().rev().copied().filter(|size| is_heading_size(*size, body)).collect();
        let repeated = edges.into_iter().filter(|(_, pages)| count >= MIN_PAGES && pages * 2 > count);
        Self { body: body_size, headings, repeated: repeated.map(|(row, _)| row).collect() }
    }

    /// The text of a page. `headings` are those above the page, and then those above the next one.
    pub(super) fn markdown(&self, rows: &[Row], headings: &mut Vec<(usize, String)>) -> String {
        let rows = self.without_repeated(rows);
        let (mut markdown, mut at) = (String::new(), 0);
        while let Some(row) = rows.get(at) {
            if let Some(level) = self.level(row) {
                let mut text = row.text();
                // A long heading has several lines.
                while let Some(next) = rows.get(at + 1)
                    && self.level(next) == Some(level)
                    && row.cells.len() == 1
                    && rows[at].bottom() - next.bottom() < next.size() * MAX_LEADING
                {
                    text = joined(&text, &next.text(), " ");
                    at += 1;
                }
                markdown.extend([&"#".repeat(level), " ", &text, "\n\n"]);
                headings.retain(|(above, _)| *above < level);
                headings.push((level, text));
                at += 1;
                continue;
            }
            if let Some((table, count)) = tables::at_start(&rows[at..]) {
                markdown.extend([&table.to_markdown(), "\n"]);
                at += count;
                continue;
            }
            at = self.paragraph(rows, at, &mut markdown);
        }
        markdown
    }

    /// Writes a paragraph and returns the number of the row behind it.
    fn paragraph(&self, rows: &[Row], start: usize, markdown: &mut String) -> usize {
        let mut text = line(&rows[start]);
        let mut at = start + 1;
        while let Some(row) = rows.get(at) {
            let distance = rows[at - 1].bottom() - row.bottom();
            let is_near = distance > 0.0 && distance < row.size().max(rows[at - 1].size()) * MAX_LEADING;
            let next = line(row);
            if !is_near
                || self.level(row).is_some()
                || next.starts_with("- ")
                || tables::at_start(&rows[at..]).is_some()
            {
                break;
            }
            text = joined(&text, &next, "\n");
            at += 1;
        }
        markdown.push_str(&escaped(&text));
        markdown.push_str("\n\n");
        at
    }

    fn level(&self, row: &Row) -> Option<usize> {
        let text = row.text();
        let chars = text.chars().count();
        let is_sentence = chars > MAX_SENTENCE_CHARS && text.ends_with('.');
        let is_long = is_sentence || chars > MAX_HEADING_CHARS || !text.chars().any(char::is_alphabetic);
        if is_long || text.starts_with(BULLETS) || row.size() < self.body * HEADING {
            return None;
        }
        let level = self.headings.iter().position(|size| *size == tenths(row.size()))?;
        Some((level + 1).min(6))
    }

    fn without_repeated<'a>(&self, rows: &'a [Row]) -> &'a [Row] {
        let mut rows = rows;
        while let Some((first, rest)) = rows.split_first()
            && self.repeated.contains(&without_numbers(first))
            && !rest.first().is_some_and(|next| are_of_a_table(first, next))
        {
            rows = rest;
        }
        while let Some((last, rest)) = rows.split_last()
            && self.repeated.contains(&without_numbers(last))
            && !rest.last().is_some_and(|above| are_of_a_table(above, last))
        {
            rows = rest;
        }
        rows
    }
}

/// Whether two rows are of a table. Its header may stand on each page.
fn are_of_a_table(above: &Row, row: &Row) -> bool {
    let is_near = above.bottom() - row.bottom() < above.size().max(row.size()) * 3.0;
    is_near && above.cells.len() > 1 && row.cells.len() > 1
}

/// A row as a line, with the mark of an item.
fn line(row: &Row) -> String {
    let text = row.text();
    match text.strip_prefix(BULLETS) {
        Some(item) => format!("- {}", item.trim_start()),
        None => text,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "sizes are small")]
fn tenths(size: f32) -> i32 {
    (size * 2.0).round() as i32 * 5
}

#[expect(clippy::cast_precision_loss, reason = "sizes are small")]
fn is_heading_size(size: i32, body: i32) -> bool {
    size as f32 >= body as f32 * HEADING
}

fn without_numbers(row: &Row) -> String {
    row.text().chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::lines::{rows, tests::glyphs};
    use super::*;

    fn page(number: usize) -> Vec<Row> {
        let name = ["all", "pumps", "lamps", "seals"][number];
        let lines = [
            ("Manual".to_owned(), 760.0, 8.0),
            (format!("Care of {name}"), 700.0, 16.0),
            ("Clean the filter every".to_owned(), 670.0, 10.0),
            ("week with water.".to_owned(), 658.0, 10.0),
            (format!("• Use no soap for {name}."), 640.0, 10.0),
            (number.to_string(), 40.0, 8.0),
        ];
        rows(&lines.map(|(text, bottom, size)| glyphs(&text, 50.0, bottom, size)).concat())
    }

    #[test]
    fn headings_paragraphs_and_items_are_markdown_and_repeated_rows_are_left_out() {
        let pages: Vec<_> = (1..4).map(page).collect();
        let layout = Layout::of(pages.iter().map(Vec::as_slice));
        let mut headings = Vec::new();
        assert_eq!(
            layout.markdown(&pages[0], &mut headings),
            "# Care of pumps\n\nClean the filter every\nweek with water.\n\n- Use no soap for pumps.\n\n"
        );
        assert_eq!(headings, [(1, "Care of pumps".to_owned())]);
    }
}
