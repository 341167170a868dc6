//! Turns characters that do not run from left to right, so that they are read as those that do: text that was
//! turned to fit a table on the page, and text that is written from top to bottom.

use pdfium_render::prelude::PdfRect;

use super::lines::Glyph;

/// Characters of vertical writing in a column from which on the page is read in columns.
const MIN_VERTICAL: usize = 4;

/// A direction in which a line runs, in quarter turns against the clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Turn {
    #[default]
    None,
    Up,
    Over,
    Down,
}

impl Turn {
    const ALL: [Self; 4] = [Self::None, Self::Up, Self::Over, Self::Down];

    /// The nearest direction of an angle in degrees, which PDFium measures with the clock.
    pub(super) fn of(degrees: f32) -> Self {
        match degrees.rem_euclid(360.0) {
            45.0..135.0 => Self::Down,
            135.0..225.0 => Self::Over,
            225.0..315.0 => Self::Up,
            _ => Self::None,
        }
    }

    /// The box of a character, as left, right and bottom, on a page that is turned until the line runs from left
    /// to right.
    pub(super) const fn applied(self, left: f32, right: f32, bottom: f32, top: f32) -> (f32, f32, f32) {
        match self {
            Self::None => (left, right, bottom),
            Self::Up => (bottom, top, -right),
            Self::Over => (-right, -left, -top),
            Self::Down => (-top, -bottom, left),
        }
    }
}

/// A character of a page with its box; without one it is not drawn.
pub(super) struct Character {
    pub(super) c: char,
    pub(super) turn: Turn,
    pub(super) bounds: Option<PdfRect>,
    /// The size of the letters that the page says, which it may scale.
    pub(super) said_size: f32,
}

impl Character {
    fn glyph(&self) -> Glyph {
        let Some(bounds) = self.bounds else { return Glyph::without_place(self.c) };
        let (left, right) = (bounds.left().value, bounds.right().value);
        let (bottom, top) = (bounds.bottom().value, bounds.top().value);
        let is_level = matches!(self.turn, Turn::None | Turn::Over);
        let height = if is_level { top - bottom } else { right - left }.abs();
        let is_likely = self.said_size > height * 0.5 && self.said_size < height * 2.0;
        let (left, right, bottom) = self.turn.applied(left, right, bottom, top);
        Glyph { c: self.c, left, right, bottom, size: if is_likely { self.said_size } else { height } }
    }
}

/// The characters of a page by the direction of their lines, that of most of them first. The order is else kept.
pub(super) fn by_direction(characters: &[Character]) -> Vec<Vec<Glyph>> {
    // PDFium divides lines where it takes them for several.
    let is_end = |character: &Character| matches!(character.c, '\r' | '\n');
    let of = |turn: Turn| {
        characters
            .iter()
            .filter(move |character| character.turn == turn && (turn == Turn::None || !is_end(character)))
    };
    let mut groups: Vec<Vec<Glyph>> =
        Turn::ALL.into_iter().map(|turn| of(turn).map(Character::glyph).collect()).collect();
    groups.retain(|group: &Vec<Glyph>| !group.is_empty());
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    groups
}

/// Turns the columns of vertical writing into lines.
pub(super) fn written_down(glyphs: Vec<Glyph>) -> Vec<Glyph> {
    let placed: Vec<&Glyph> =
        glyphs.iter().filter(|glyph| !glyph.left.is_nan() && !glyph.c.is_whitespace()).collect();
    let follow =
        |is: fn(&Glyph, &Glyph) -> bool| placed.windows(2).filter(|pair| is(pair[0], pair[1])).count();
    let (down, beside) = (follow(stands_below), follow(stands_beside));
    if down < MIN_VERTICAL || down <= beside * 2 {
        return glyphs;
    }
    let turned = |glyph: Glyph| {
        let top = glyph.bottom + glyph.size;
        let (left, right, bottom) = Turn::Down.applied(glyph.left, glyph.right, glyph.bottom, top);
        Glyph { left, right, bottom, ..glyph }
    };
    // The ends of lines are not told where each character is one.
    glyphs.into_iter().filter(|glyph| !matches!(glyph.c, '\r' | '\n')).map(turned).collect()
}

fn stands_below(above: &Glyph, glyph: &Glyph) -> bool {
    let distance = above.bottom - glyph.bottom;
    (above.left - glyph.left).abs() < 0.3 * glyph.size
        && (0.7..2.0).contains(&(distance / glyph.size.max(1.0)))
}

fn stands_beside(before: &Glyph, glyph: &Glyph) -> bool {
    (before.bottom - glyph.bottom).abs() < 0.3 * glyph.size && (glyph.left - before.right).abs() < glyph.size
}

#[cfg(test)]
mod tests {
    use super::super::lines::rows;
    use super::*;

    fn glyph(c: char, left: f32, bottom: f32) -> Glyph {
        Glyph { c, left, right: left + 10.0, bottom, size: 10.0 }
    }

    #[test]
    fn a_line_is_the_same_in_each_direction() {
        for (degrees, turn, boxed) in [
            (0.0, Turn::None, (20.0, 30.0, 50.0)),
            (270.0, Turn::Up, (50.0, 60.0, -30.0)),
            (180.0, Turn::Over, (-30.0, -20.0, -60.0)),
            (90.0, Turn::Down, (-60.0, -50.0, 20.0)),
            (-90.0, Turn::Up, (50.0, 60.0, -30.0)),
        ] {
            assert_eq!(Turn::of(degrees), turn);
            assert_eq!(turn.applied(20.0, 30.0, 50.0, 60.0), boxed);
        }
    }

    #[test]
    fn columns_of_vertical_writing_are_lines() {
        let mut glyphs = Vec::new();
        for (column, text) in ["窯は一晩で冷める。", "戸は閉めておく。"].into_iter().enumerate()
        {
            let left = if column == 0 { 300.0 } else { 280.0 };
            let mut bottom = 700.0;
            for c in text.chars() {
                glyphs.extend([glyph(c, left, bottom), Glyph::without_place('\n')]);
                bottom -= 12.0;
            }
        }
        let lines: Vec<String> =
            rows(&written_down(glyphs)).iter().map(super::super::lines::Row::text).collect();
        assert_eq!(lines, ["窯は一晩で冷める。", "戸は閉めておく。"]);
        let list: Vec<Glyph> = (0..3_u8)
            .flat_map(|line| {
                [
                    glyph('a', 50.0, 90.0 - f32::from(line) * 12.0),
                    glyph('b', 60.0, 90.0 - f32::from(line) * 12.0),
                ]
            })
            .collect();
        assert_eq!(written_down(list.clone()).len(), list.len());
    }
}
