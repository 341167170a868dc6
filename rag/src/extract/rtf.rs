//! Reads rich text: paragraphs, and tables row by row.

mod fonts;
mod state;

use std::collections::HashMap;

use super::encoding::{self, Charset};
use super::escaped;
use super::raised::raise_end;
use crate::vocabulary::{Markup, Part, Table};
use fonts::{charset, code_page};
use state::State;

/// Groups whose text is no text of the document.
const SKIPPED: [&str; 15] = [
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "themedata",
    "colorschememapping",
    "datastore",
    "latentstyles",
    "listtable",
    "listoverridetable",
    "rsidtbl",
    "generator",
    "xmlnstbl",
    "fldinst",
];
/// The deepest nesting of groups that is kept apart.
const MAX_DEPTH: usize = 4_096;

/// Reads a document.
pub(super) fn parts(bytes: &[u8]) -> Vec<Part> {
    let mut reader = Rich::default();
    reader.read(bytes);
    vec![Part::text(Markup::Markdown, encoding::nfc(&reader.markdown))]
}

#[derive(Default)]
struct Rich {
    markdown: String,
    text: String,
    /// Bytes in the encoding of the font that are not decoded yet.
    bytes: Vec<u8>,
    /// Halves of characters in UTF-16 that are not decoded yet. Either these or the bytes are empty.
    units: Vec<u16>,
    /// The encoding of the fonts that name none.
    encoding: Option<Charset>,
    fonts: HashMap<i32, Charset>,
    /// The font of the table of fonts that is read.
    font: i32,
    state: State,
    /// The states of the groups outside.
    groups: Vec<State>,
    /// Characters that stand for one of Unicode and are passed over.
    replaced: usize,
    /// Notes of the paragraph; the last one is open inside of a note.
    notes: Vec<String>,
    row: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Rich {
    fn read(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'{' if self.groups.len() < MAX_DEPTH => {
                    self.decode();
                    self.groups.push(self.state);
                }
                b'}' => {
                    self.decode();
                    if let Some(outer) = self.groups.pop() {
                        if outer.raised.is_none() {
                            self.end_raised();
                        }
                        // Properties of a paragraph last until they are reset.
                        self.state = State { in_table: self.state.in_table, ..outer };
                    }
                }
                b'\\' => at = self.control(bytes, at),
                b'{' | b'\r' | b'\n' => {}
                byte => self.byte(byte),
            }
        }
        self.state = State::default();
        self.row.clear();
        self.paragraph();
        self.end_table();
    }

    /// Reads what follows a backslash and returns the place behind it.
    fn control(&mut self, bytes: &[u8], at: usize) -> usize {
        let rest = bytes.get(at..).unwrap_or_default();
        let letters = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if letters == 0 {
            return match rest.first() {
                Some(b'\'') => {
                    let digits = rest.get(1..3).and_then(|digits| std::str::from_utf8(digits).ok());
                    if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                        self.byte(byte);
                    }
                    at + 3
                }
                Some(b'*') => {
                    self.state.is_skipped = true;
                    at + 1
                }
                Some(b'~') => {
                    self.byte(b' ');
                    at + 1
                }
                Some(b'_') => {
                    self.byte(b'-');
                    at + 1
                }
                Some(byte @ (b'\\' | b'{' | b'}')) => {
                    self.byte(*byte);
                    at + 1
                }
                _ => at + 1,
            };
        }
        let digits =
            rest[letters..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
        let word = String::from_utf8_lossy(&rest[..letters]).into_owned();
        let number = String::from_utf8_lossy(&rest[letters..letters + digits]).parse::<i32>().ok();
        let end = at + letters + digits;
        let end = end + usize::from(bytes.get(end) == Some(&b' '));
        if word == "bin" {
            return end.saturating_add(usize::try_from(number.unwrap_or(0)).unwrap_or(0));
        }
        self.word(&word, number);
        end
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        if SKIPPED.contains(&word) {
            self.decode();
            self.state.is_skipped = true;
            return;
        }
        match word {
            "mac" => self.encoding = Some(code_page(10_000)),
            "pc" => self.encoding = Some(code_page(437)),
            "pca" => self.encoding = Some(code_page(850)),
            "ansicpg" => self.encoding = Some(code_page(number.unwrap_or(1252))),
            "uc" => self.state.unicode_skip = usize::try_from(number.unwrap_or(1)).unwrap_or(1),
            "fonttbl" => (self.state.is_skipped, self.state.in_fonts) = (true, true),
            "f" if self.state.in_fonts => self.font = number.unwrap_or(0),
            "fcharset" if self.state.in_fonts => {
                if let Some(encoding) = number.and_then(charset) {
                    self.fonts.insert(self.font, encoding);
                }
            }
            _ if self.state.is_skipped || self.property(word, number) => {}
            "u" => {
                if !self.bytes.is_empty() {
                    self.decode();
                }
                // Written as a signed number of 16 bits, in two halves where needed.
                let unit = number.unwrap_or(0).rem_euclid(1 << 16);
                if !self.state.is_hidden {
                    self.units.push(u16::try_from(unit).unwrap_or_default());
                }
                self.replaced = self.state.unicode_skip;
            }
            "par" | "sect" | "page" => self.paragraph(),
            "line" => self.push("\n"),
            "tab" => self.push(" "),
            "emdash" => self.push("—"),
            "endash" => self.push("–"),
            "lquote" | "rquote" => self.push("’"),
            "ldblquote" => self.push("“"),
            "rdblquote" => self.push("”"),
            "bullet" => self.push("•"),
            "cell" | "nestcell" => {
                self.decode();
                let text = std::mem::take(&mut self.text);
                self.row.push(text.trim().to_owned());
            }
            "row" | "nestrow" => self.rows.push(std::mem::take(&mut self.row)),
            _ => {}
        }
    }

    /// Reads a word that sets a property of the group. Returns whether it is one.
    fn property(&mut self, word: &str, number: Option<i32>) -> bool {
        if !matches!(
            word,
            "v" | "deleted" | "f" | "plain" | "intbl" | "pard" | "super" | "nosupersub" | "footnote"
        ) {
            return false;
        }
        self.decode();
        match word {
            "v" | "deleted" => self.state.is_hidden = number != Some(0),
            "f" => self.state.encoding = self.fonts.get(&number.unwrap_or(0)).copied(),
            "plain" => (self.state.encoding, self.state.is_hidden) = (None, false),
            "intbl" => self.state.in_table = true,
            "pard" => self.state.in_table = false,
            "super" if number != Some(0) => {
                self.state.raised = Some(self.text.len()).filter(|_| !self.state.in_note);
            }
            "footnote" if !self.state.in_note => {
                self.state.in_note = true;
                self.notes.push(String::new());
            }
            "footnote" => {}
            _ => self.end_raised(),
        }
        true
    }

    fn push(&mut self, text: &str) {
        self.decode();
        if self.state.is_hidden {
            return;
        }
        self.open_text().push_str(text);
    }

    /// The text that is written: of a note, or of the paragraph.
    fn open_text(&mut self) -> &mut String {
        match self.notes.last_mut().filter(|_| self.state.in_note) {
            Some(note) => note,
            None => &mut self.text,
        }
    }

    fn end_raised(&mut self) {
        if let Some(start) = self.state.raised.take() {
            raise_end(&mut self.text, start);
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.replaced > 0 {
            self.replaced -= 1;
        } else if !self.state.is_skipped && !self.state.is_hidden {
            if !self.units.is_empty() {
                self.decode();
            }
            self.bytes.push(byte);
        }
    }

    fn decode(&mut self) {
        if !self.units.is_empty() {
            let text = String::from_utf16_lossy(&std::mem::take(&mut self.units));
            self.open_text().push_str(&text);
        }
        if !self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            let encoding = self.state.encoding.or(self.encoding).unwrap_or_else(|| code_page(1252));
            let text = encoding.decode(&bytes);
            self.open_text().push_str(&text);
        }
    }

    fn paragraph(&mut self) {
        self.decode();
        if self.state.in_note || self.state.in_table || !self.row.is_empty() {
            self.open_text().push(' ');
            return;
        }
        let text = std::mem::take(&mut self.text);
        self.state.raised = None;
        let texts = std::iter::once(text).chain(std::mem::take(&mut self.notes));
        for text in texts {
            let text = text.trim();
            if !text.is_empty() {
                self.end_table();
                self.markdown.extend([&escaped(text), "\n\n"]);
            }
        }
    }

    fn end_table(&mut self) {
        let mut rows = std::mem::take(&mut self.rows).into_iter();
        if let Some(header) = rows.next() {
            let table = Table { header, rows: (1..).zip(rows).collect() };
            self.markdown.extend([&table.to_markdown(), "\n"]);
        }
    }
}

#[cfg(test)]
mod tests;
