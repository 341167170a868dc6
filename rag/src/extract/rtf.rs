//! Reads rich text: paragraphs, and tables row by row.

use encoding_rs::{Encoding, WINDOWS_1252};

use super::{encoding, escaped};
use crate::vocabulary::{Markup, Part, Table};

/// Groups whose text is no text of the document.
const SKIPPED: [&str; 16] = [
    "fonttbl",
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
    let mut reader = Rich { encoding: WINDOWS_1252, unicode_skip: 1, ..Rich::default() };
    reader.read(bytes);
    vec![Part::text(Markup::Markdown, encoding::nfc(&reader.markdown))]
}

struct Rich {
    markdown: String,
    text: String,
    /// Bytes in the encoding of the document that are not decoded yet.
    bytes: Vec<u8>,
    /// Halves of characters in UTF-16 that are not decoded yet. Either these or the bytes are empty.
    units: Vec<u16>,
    encoding: &'static Encoding,
    /// For each open group, whether it is skipped, and how many characters stand for one of Unicode.
    groups: Vec<(bool, usize)>,
    is_skipped: bool,
    unicode_skip: usize,
    /// Characters that stand for one of Unicode and are passed over.
    replaced: usize,
    row: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Default for Rich {
    fn default() -> Self {
        Self {
            markdown: String::new(),
            text: String::new(),
            bytes: Vec::new(),
            units: Vec::new(),
            encoding: WINDOWS_1252,
            groups: Vec::new(),
            is_skipped: false,
            unicode_skip: 1,
            replaced: 0,
            row: Vec::new(),
            rows: Vec::new(),
        }
    }
}

impl Rich {
    fn read(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'{' if self.groups.len() < MAX_DEPTH => {
                    self.groups.push((self.is_skipped, self.unicode_skip));
                }
                b'}' => {
                    self.decode();
                    if let Some(outer) = self.groups.pop() {
                        (self.is_skipped, self.unicode_skip) = outer;
                    }
                }
                b'\\' => at = self.control(bytes, at),
                b'{' | b'\r' | b'\n' => {}
                byte => self.byte(byte),
            }
        }
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
                    self.is_skipped = true;
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
            self.is_skipped = true;
            return;
        }
        match word {
            "ansicpg" => self.encoding = code_page(number.unwrap_or(1252)),
            "uc" => self.unicode_skip = usize::try_from(number.unwrap_or(1)).unwrap_or(1),
            _ if self.is_skipped => {}
            "u" => {
                if !self.bytes.is_empty() {
                    self.decode();
                }
                // Written as a signed number of 16 bits, in two halves where needed.
                let unit = number.unwrap_or(0).rem_euclid(1 << 16);
                self.units.push(u16::try_from(unit).unwrap_or_default());
                self.replaced = self.unicode_skip;
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

    fn push(&mut self, text: &str) {
        self.decode();
        self.text.push_str(text);
    }

    fn byte(&mut self, byte: u8) {
        if self.replaced > 0 {
            self.replaced -= 1;
        } else if !self.is_skipped {
            if !self.units.is_empty() {
                self.decode();
            }
            self.bytes.push(byte);
        }
    }

    fn decode(&mut self) {
        if !self.units.is_empty() {
            self.text.push_str(&String::from_utf16_lossy(&self.units));
            self.units.clear();
        }
        if !self.bytes.is_empty() {
            self.text.push_str(&self.encoding.decode_without_bom_handling(&self.bytes).0);
            self.bytes.clear();
        }
    }

    fn paragraph(&mut self) {
        self.decode();
        if !self.row.is_empty() {
            self.text.push(' ');
            return;
        }
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        if !text.is_empty() {
            self.end_table();
            self.markdown.extend([&escaped(text), "\n\n"]);
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

fn code_page(number: i32) -> &'static Encoding {
    let label = match number {
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        65_001 => "utf-8".to_owned(),
        number => format!("windows-{number}"),
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(WINDOWS_1252)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Content;

    #[test]
    fn the_two_halves_of_a_character_become_one() {
        let text = br"{\rtf1\ansi\uc1 Gull \u-10178?\u-8959? or \u-10178? or {\uc2\u-10178\'81\'40\u-8959\'81\'40}.\par}";
        let parts = parts(text);
        let Content::Text(_, text) = &parts[0].content else { panic!("{parts:?}") };
        assert_eq!(text, "Gull 🤁 or \u{fffd} or 🤁.\n\n");
    }

    #[test]
    fn paragraphs_characters_and_tables_are_read() {
        let text = br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator x;}Caf\'e9 \u8364?4\par
            \trowd kind\cell min\cell\row green\cell 2\cell\row\pard Last.\par}";
        let parts = parts(text);
        let Content::Text(_, text) = &parts[0].content else { panic!("{parts:?}") };
        assert_eq!(text, "Café €4\n\n| kind | min |\n|---|---|\n| green | 2 |\n\nLast.\n\n");
    }
}
