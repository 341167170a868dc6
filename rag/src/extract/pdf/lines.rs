//! Puts the characters of a page together to words, cells and rows. The order of the characters is kept: it
//! is the order in which a page is read, also in columns.

use crate::extract::encoding::nfc;

/// The distance between two pieces of a line above which they are two cells, in letters' sizes.
const CELL_GAP: f32 = 1.0;
/// The distance between two letters above which a space stands between them.
const SPACE_GAP: f32 = 0.22;
/// The difference of two baselines within a line.
const BASELINE: f32 = 0.4;
/// Characters that begin an item of a list.
pub(super) const BULLETS: [char; 7] = ['•', '◦', '▪', '‣', '●', '○', '■'];
/// The rows back to which a cell may belong: the cell before it has as many lines.
const MAX_CELL_LINES: usize = 8;

/// A character with its place in points from the lower left corner.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glyph {
    pub(super) c: char,
    pub(super) left: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
    pub(super) size: f32,
}

impl Glyph {
    /// A character that is not drawn, such as the end of a line.
    pub(super) const fn without_place(c: char) -> Self {
        Self { c, left: f32::NAN, right: f32::NAN, bottom: f32::NAN, size: f32::NAN }
    }
}

/// A piece of a line without a wide gap.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) left: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
    pub(super) size: f32,
}

/// Pieces side by side.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) cells: Vec<Piece>,
}

impl Row {
    pub(super) fn left(&self) -> f32 {
        self.cells.first().map_or(0.0, |cell| cell.left)
    }

    pub(super) fn bottom(&self) -> f32 {
        self.cells.first().map_or(0.0, |cell| cell.bottom)
    }

    /// The size of most letters. A bullet is larger than its line.
    pub(super) fn size(&self) -> f32 {
        let longest = self.cells.iter().max_by_key(|cell| cell.text.chars().count());
        longest.map_or(0.0, |cell| cell.size)
    }

    /// The text with spaces between the cells.
    pub(super) fn text(&self) -> String {
        self.cells.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The rows of a page in reading order.
pub(super) fn rows(glyphs: &[Glyph]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for piece in pieces(glyphs) {
        match rows.iter().rposition(|row| stands_beside(row, &piece)) {
            Some(index) if index + 1 == rows.len() => rows[index].cells.push(piece),
            Some(index) if rows.len() - index <= MAX_CELL_LINES && is_one_cell(&rows[index..]) => {
                // The rows since then are further lines of the cell before.
                let more: Vec<Row> = rows.drain(index + 1..).collect();
                if let Some(cell) = rows[index].cells.last_mut() {
                    for line in more {
                        cell.text = joined(&cell.text, &line.text(), " ");
                        cell.right = cell.right.max(line.cells[0].right);
                    }
                }
                rows[index].cells.push(piece);
            }
            _ => rows.push(Row { cells: vec![piece] }),
        }
    }
    rows.iter_mut().for_each(join_bullet);
    rows
}

/// Puts a bullet and what stands beside it together: it is no column of a table.
fn join_bullet(row: &mut Row) {
    if row.cells.len() > 1 && row.cells[0].text.chars().all(|c| BULLETS.contains(&c)) {
        let bullet = row.cells.remove(0);
        let item = &mut row.cells[0];
        item.text = [&bullet.text, " ", &item.text].concat();
        item.left = bullet.left;
    }
}

/// Whether a piece continues a row to the right.
fn stands_beside(row: &Row, piece: &Piece) -> bool {
    let Some(last) = row.cells.last() else { return false };
    (last.bottom - piece.bottom).abs() < BASELINE * piece.size.max(last.size) && piece.left >= last.right
}

/// Whether the rows after the first one are lines below its last cell.
fn is_one_cell(rows: &[Row]) -> bool {
    let Some((first, more)) = rows.split_first() else { return false };
    let Some(cell) = first.cells.last() else { return false };
    let mut above = cell.bottom;
    more.iter().all(|row| {
        let is_line = row.cells.len() == 1 && (row.left() - cell.left).abs() < cell.size * 2.0;
        let is_near = above - row.bottom() < cell.size * 2.0 && row.bottom() < above;
        above = row.bottom();
        is_line && is_near
    })
}

/// Two lines as one text. A word that is divided at the end of the line is put together.
pub(super) fn joined(first: &str, next: &str, separator: &str) -> String {
    let is_divided = first.ends_with('-')
        && first.chars().rev().nth(1).is_some_and(char::is_lowercase)
        && next.starts_with(char::is_lowercase);
    if is_divided { [first.trim_end_matches('-'), next].concat() } else { [first, separator, next].concat() }
}

fn pieces(glyphs: &[Glyph]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut open = false;
    let mut space = false;
    let mut sizes = Vec::new();
    for glyph in glyphs {
        // PDFium writes these for a hyphen at the end of a line.
        let c = if matches!(glyph.c, '\u{2}' | '\u{fffe}') { '-' } else { glyph.c };
        if matches!(c, '\r' | '\n') {
            open = false;
            continue;
        }
        if c.is_whitespace() || glyph.left.is_nan() {
            space = true;
            continue;
        }
        if c.is_control() {
            continue;
        }
        let last = pieces.last_mut().filter(|piece| open && continues(piece, glyph));
        if let Some(piece) = last {
            let gap = glyph.left - piece.right;
            if (space || gap > SPACE_GAP * piece.size) && !piece.text.is_empty() {
                piece.text.push(' ');
            }
            piece.text.push(c);
            piece.right = piece.right.max(glyph.right);
            sizes.push(glyph.size);
        } else {
            settle(&mut pieces, &mut sizes);
            sizes.push(glyph.size);
            pieces.push(Piece {
                text: c.to_string(),
                left: glyph.left,
                right: glyph.right,
                bottom: glyph.bottom,
                size: glyph.size,
            });
            open = true;
        }
        space = false;
    }
    settle(&mut pieces, &mut sizes);
    for piece in &mut pieces {
        piece.text = nfc(piece.text.trim());
    }
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

/// Gives the last piece the median size of its letters.
fn settle(pieces: &mut [Piece], sizes: &mut Vec<f32>) {
    sizes.sort_by(f32::total_cmp);
    if let (Some(piece), Some(size)) = (pieces.last_mut(), sizes.get(sizes.len() / 2)) {
        piece.size = *size;
    }
    sizes.clear();
}

/// Whether a character belongs to the piece before it.
fn continues(piece: &Piece, glyph: &Glyph) -> bool {
    let size = piece.size.max(glyph.size).max(1.0);
    let gap = glyph.left - piece.right;
    (piece.bottom - glyph.bottom).abs() < BASELINE * size && gap < CELL_GAP * size && gap > -2.0 * size
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Characters of a text that begins at a place, each half as wide as it is high.
    pub(in crate::extract::pdf) fn glyphs(text: &str, left: f32, bottom: f32, size: f32) -> Vec<Glyph> {
        let mut at = left;
        let of = |c: char| {
            let glyph = Glyph { c, left: at, right: at + size / 2.0, bottom, size };
            at += size / 2.0;
            glyph
        };
        text.chars().map(of).collect()
    }

    fn texts(glyphs: &[Vec<Glyph>]) -> Vec<Vec<String>> {
        let rows = rows(&glyphs.concat());
        rows.into_iter().map(|row| row.cells.into_iter().map(|cell| cell.text).collect()).collect()
    }

    #[test]
    fn a_wide_gap_divides_a_line_into_cells() {
        let line = [glyphs("Part no", 50.0, 700.0, 10.0), glyphs("Price", 200.0, 700.0, 10.0)];
        assert_eq!(texts(&line), [["Part no", "Price"]]);
    }

    #[test]
    fn a_bullet_is_no_cell() {
        let line = [glyphs("•", 50.0, 700.0, 10.0), glyphs("Use no soap", 80.0, 700.0, 10.0)];
        assert_eq!(texts(&line), [["• Use no soap"]]);
    }

    #[test]
    fn the_lines_of_a_cell_belong_together() {
        let cells = [
            glyphs("Seal kit", 50.0, 700.0, 10.0),
            glyphs("for K5", 50.0, 688.0, 10.0),
            glyphs("42.00", 200.0, 700.0, 10.0),
            glyphs("Rotor", 50.0, 670.0, 10.0),
            glyphs("9.00", 200.0, 670.0, 10.0),
        ];
        assert_eq!(texts(&cells), [["Seal kit for K5", "42.00"], ["Rotor", "9.00"]]);
    }

    #[test]
    fn columns_of_text_are_read_one_after_the_other() {
        let left = (0..20_u8).map(|line| glyphs("left words", 50.0, 700.0 - f32::from(line) * 12.0, 10.0));
        let right = (0..20_u8).map(|line| glyphs("right words", 300.0, 700.0 - f32::from(line) * 12.0, 10.0));
        let read = texts(&left.chain(right).collect::<Vec<_>>());
        assert_eq!(read.len(), 40);
        assert!(read[..20].iter().all(|row| row[0] == "left words"));
    }

    #[test]
    fn a_divided_word_is_put_together() {
        assert_eq!(joined("main-", "tenance", " "), "maintenance");
        assert_eq!(joined("K-", "31", " "), "K- 31");
    }
}
