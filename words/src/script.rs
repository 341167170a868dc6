//! The scripts of characters, as far as words and sentences depend on them.

/// A script, or several that are treated alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    Latin,
    Han,
    Hiragana,
    Katakana,
    Hangul,
    Arabic,
    Cyrillic,
    Devanagari,
    Greek,
    Hebrew,
    Thai,
    /// Lao, Khmer and Burmese.
    SouthEastAsian,
    Other,
}

impl Script {
    pub(crate) const fn of(c: char) -> Self {
        match c {
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Self::Latin,
            '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '々' => {
                Self::Han
            }
            '\u{3041}'..='\u{309f}' => Self::Hiragana,
            '\u{30a0}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9f}' => Self::Katakana,
            '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}' | '\u{3131}'..='\u{318e}' => Self::Hangul,
            '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{8a0}'..='\u{8ff}' => Self::Arabic,
            '\u{400}'..='\u{52f}' => Self::Cyrillic,
            '\u{900}'..='\u{97f}' => Self::Devanagari,
            '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Self::Greek,
            '\u{590}'..='\u{5ff}' => Self::Hebrew,
            '\u{e00}'..='\u{e7f}' => Self::Thai,
            '\u{e80}'..='\u{eff}' | '\u{1780}'..='\u{17ff}' | '\u{1000}'..='\u{109f}' => Self::SouthEastAsian,
            _ => Self::Other,
        }
    }

    /// Whether a text of the script has no spaces between its words. Korean has them, but its words end in
    /// particles, so that it is compared in the same way.
    pub(crate) const fn is_unspaced(self) -> bool {
        matches!(
            self,
            Self::Han | Self::Hiragana | Self::Katakana | Self::Hangul | Self::Thai | Self::SouthEastAsian
        )
    }
}

/// Whether a character belongs to a script whose words are compared by their characters.
pub const fn is_unspaced(c: char) -> bool {
    Script::of(c).is_unspaced()
}

/// Whether a character is written without spaces around it: Chinese and Japanese ones,
/// with their punctuation.
pub const fn is_wide(c: char) -> bool {
    matches!(Script::of(c), Script::Han | Script::Hiragana | Script::Katakana)
        || matches!(c, '\u{3000}'..='\u{303f}' | '\u{ff01}'..='\u{ff65}')
}
