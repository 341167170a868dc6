//! Code pages of MS-DOS and of old Macintoshes. Few texts name their code page: a text that is hardly credible
//! in the encoding that was detected is decoded by them.
//!
//! In the wrong encoding of one byte a character, signs and capitals stand inside words. In the right one they
//! hardly do.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::LazyLock;

use encoding_rs::{Encoding, MACINTOSH};

/// The upper half of code page 850 and of code page 437, in lines of 32 characters.
const CODE_PAGE_850: [&str; 4] = [
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ",
    "áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐",
    "└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀",
    "ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}",
];
const CODE_PAGE_437: [&str; 4] = [
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ",
    "áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}",
];
/// One character in this many may be odd in the text that replaces the detected one.
const MAX_ODD_SHARE: usize = 8;
/// One character in this many has to be odd in the detected text before another one replaces it.
const MIN_ODD_SHARE: usize = 3;
/// Characters of ASCII for each other one, at least, in a text that has few characters of another script.
const MIN_ASCII_SHARE: usize = 8;

/// An encoding of one byte a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::extract) enum CodePage {
    Dos850,
    Dos437,
    Macintosh,
}

/// An encoding that a file names.
#[derive(Debug, Clone, Copy)]
pub(in crate::extract) enum Charset {
    Known(&'static Encoding),
    /// A code page of MS-DOS.
    Dos(CodePage),
}

impl Charset {
    /// The encoding with this number among the code pages of Windows.
    pub(in crate::extract) fn of_code_page(number: i32) -> Option<Self> {
        let label = match number {
            437 | 850 | 858 => return CodePage::for_label(&number.to_string()).map(Self::Dos),
            866 => "ibm866".to_owned(),
            932 => "shift_jis".to_owned(),
            936 => "gbk".to_owned(),
            949 => "euc-kr".to_owned(),
            950 => "big5".to_owned(),
            10_000 => "macintosh".to_owned(),
            10_007 => "x-mac-cyrillic".to_owned(),
            20_866 => "koi8-r".to_owned(),
            21_866 => "koi8-u".to_owned(),
            28_591..=28_606 => format!("iso-8859-{}", number - 28_590),
            54_936 => "gb18030".to_owned(),
            65_001 => "utf-8".to_owned(),
            number => format!("windows-{number}"),
        };
        Encoding::for_label(label.as_bytes()).map(Self::Known)
    }

    pub(in crate::extract) fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Known(encoding) => encoding.decode_without_bom_handling(bytes).0,
            Self::Dos(page) => page.decode(bytes).into(),
        }
    }
}

/// The upper halves of the code pages.
static TABLES: LazyLock<[Vec<char>; 3]> = LazyLock::new(|| {
    let upper: Vec<u8> = (128..=255).collect();
    let macintosh = MACINTOSH.decode_without_bom_handling(&upper).0.into_owned();
    [CODE_PAGE_850.concat(), CODE_PAGE_437.concat(), macintosh].map(|table| table.chars().collect())
});

impl CodePage {
    /// Code page 850 is the more frequent one of two in which a text is as credible.
    const ALL: [Self; 3] = [Self::Dos850, Self::Dos437, Self::Macintosh];

    /// Returns the code page of MS-DOS with this name.
    pub(super) fn for_label(label: &str) -> Option<Self> {
        match label.trim().to_ascii_lowercase().trim_start_matches(['c', 'p', 'i', 'b', 'm', '-', '_']) {
            "850" | "858" | "00850" | "00858" => Some(Self::Dos850),
            "437" | "00437" => Some(Self::Dos437),
            _ => None,
        }
    }

    pub(super) fn decode(self, bytes: &[u8]) -> String {
        self.chars(bytes).collect()
    }

    fn chars(self, bytes: &[u8]) -> impl Iterator<Item = char> {
        let table = &TABLES[self as usize];
        bytes.iter().map(move |byte| match byte.checked_sub(128) {
            None => char::from(*byte),
            Some(place) => table.get(usize::from(place)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        })
    }
}

/// The text of bytes in an old encoding, if it is far more credible than the text that was read.
pub(super) fn reread(bytes: &[u8], read: &str) -> Option<String> {
    let oddity = Oddity::of(read.chars());
    if !oddity.is_evident() {
        return None;
    }
    let rated = CodePage::ALL.map(|page| (Oddity::of(page.chars(bytes)), page));
    let (best, page) = rated.into_iter().min_by_key(|(oddity, _)| (oddity.odd, Reverse(oddity.usual)))?;
    let is_credible = best.odd * MAX_ODD_SHARE <= best.all && best.usual * 2 > best.all;
    (is_credible && best.odd < oddity.odd).then(|| page.decode(bytes))
}

/// The characters beyond ASCII that stand beside letters of ASCII.
#[derive(Debug, Default)]
struct Oddity {
    all: usize,
    /// Characters that hardly stand where they do.
    odd: usize,
    /// Letters and signs of Western texts.
    usual: usize,
    first_odd: Option<char>,
    /// Whether there are two different odd characters, or one that cannot stand where it does.
    is_certain: bool,
}

impl Oddity {
    fn of(text: impl Iterator<Item = char>) -> Self {
        let mut oddity = Self::default();
        let (mut before, mut chars) = (' ', text.peekable());
        let (mut ascii, mut foreign) = (0_usize, 0_usize);
        while let Some(c) = chars.next() {
            let next = chars.peek().copied().unwrap_or(' ');
            let before = std::mem::replace(&mut before, c);
            if c.is_ascii() {
                ascii += 1;
            } else if is_unreadable(c) {
                (oddity.all, oddity.odd, oddity.is_certain) = (oddity.all + 1, oddity.odd + 1, true);
            } else if before.is_ascii_alphabetic() || next.is_ascii_alphabetic() {
                oddity.all += 1;
                oddity.usual += usize::from(is_usual(c));
                foreign += usize::from(is_foreign(c));
                if is_odd(before, c, next) {
                    oddity.odd += 1;
                    let is_other = oddity.first_odd.replace(c).is_some_and(|first| first != c);
                    let is_quoted = matches!(c, '„' | '”') && before.is_lowercase() && next.is_lowercase();
                    oddity.is_certain |= is_other || is_quoted || (c > 'ÿ' && c.is_alphabetic());
                }
            }
        }
        // A few characters of another script, each beside Latin letters, come from a wrong encoding.
        if foreign * 2 > oddity.all && oddity.all * MIN_ASCII_SHARE < ascii {
            (oddity.odd, oddity.is_certain) = (oddity.odd.max(foreign), true);
        }
        oddity
    }

    /// Whether the text is most likely not in the encoding in which it was read.
    fn is_evident(&self) -> bool {
        self.is_certain && self.odd * MIN_ODD_SHARE >= self.all
    }
}

fn is_unreadable(c: char) -> bool {
    c.is_control() || c == char::REPLACEMENT_CHARACTER || ('\u{e000}'..='\u{f8ff}').contains(&c)
}

/// Whether a character beyond ASCII hardly stands between these.
fn is_odd(before: char, c: char, next: char) -> bool {
    match c {
        // Signs that join words, or follow them without a space.
        '’' | '–' | '—' | '…' | '·' | '•' | '×' | '™' | '®' | '©' | '\u{ad}' | '\u{a0}' | '\u{202f}'
        | 'ß' => false,
        c if is_latin(c) && c.is_uppercase() => before.is_lowercase(),
        // Some write `é` and the like in words of capitals.
        c if is_latin(c) && c.is_lowercase() => c > 'ÿ' && before.is_uppercase() && next.is_uppercase(),
        _ => is_latin(before) && is_latin(next),
    }
}

/// Whether a character is a letter or a sign of Western texts.
fn is_usual(c: char) -> bool {
    let is_letter = ('\u{c0}'..='\u{ff}').contains(&c) && c.is_alphabetic();
    is_letter || matches!(c, 'œ' | 'Œ' | '’' | '‘' | '“' | '”' | '„' | '«' | '»' | '–' | '—' | '…' | '•')
}

/// Whether a character is a letter of another script, or a bracket of East Asian texts.
fn is_foreign(c: char) -> bool {
    let is_bracket = matches!(c, '\u{3003}'..='\u{303f}' | '［' | '］' | '｛' | '｝' | '｜' | '＜' | '＞');
    is_bracket || c.is_alphabetic() && !is_latin(c)
}

fn is_latin(c: char) -> bool {
    c.is_alphabetic() && c <= '\u{24f}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_pages_have_their_characters() {
        assert_eq!(CodePage::Dos850.decode(b"a\x81\x84\xe1\xb5\xff"), "aüäßÁ\u{a0}");
        assert_eq!(CodePage::Dos437.decode(b"\x9b\xe3\xb3\xff"), "¢π│\u{a0}");
        for (label, page) in [
            ("cp850", Some(CodePage::Dos850)),
            ("IBM-437", Some(CodePage::Dos437)),
            ("ibm00858", Some(CodePage::Dos850)),
            ("850", Some(CodePage::Dos850)),
            ("windows-1252", None),
            ("ibm866", None),
        ] {
            assert_eq!(CodePage::for_label(label), page, "{label}");
        }
    }

    #[test]
    fn signs_and_capitals_inside_words_are_odd() {
        for (text, odd) in [
            ("Die Fähre „heute“ – 5 € – l’été, Ölçüm, ÜBER, STRAßE, Länge×Breite", 0),
            ("f\u{81}r sch”n ”ber", 2),
            ("schŠn fŸr", 2),
            ("cafŽ", 1),
        ] {
            assert_eq!(Oddity::of(text.chars()).odd, odd, "{text}");
        }
    }
}
