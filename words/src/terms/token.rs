//! Divides a text into words, numbers, part numbers, addresses, identifiers and runs of characters.

use crate::script::Script;
use crate::tokens::lower;

/// The longest number, part number or address that is a term as a whole.
const MAX_WHOLE_CHARS: usize = 48;
/// Signs within a number, a part number or an address.
const JOINERS: [char; 9] = ['-', '.', '/', ',', ':', '_', '@', '+', '#'];

pub(super) enum Token {
    /// A number, a part number, an address or an identifier.
    Whole(String),
    Word {
        lower: String,
        is_acronym: bool,
        /// The word begins with a capital letter.
        is_capital: bool,
        /// The word is the first one of the text.
        is_first: bool,
        /// The word is a part of a number, a part number, an address or an identifier, which is a term
        /// as a whole.
        is_part: bool,
    },
    /// Characters of scripts without spaces.
    Characters(String),
}

pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for chunk in chunks(text) {
        if let Some(number) = without_thousands(chunk) {
            tokens.push(Token::Whole(number));
            continue;
        }
        let whole = whole(chunk);
        let is_divided = whole.is_some();
        tokens.extend(whole.map(Token::Whole));
        for word in chunk.split(|c: char| JOINERS.contains(&c) && c != '_') {
            let word = word.trim_matches('_');
            if word.chars().next().is_some_and(|c| Script::of(c).is_unspaced()) {
                tokens.push(Token::Characters(lower(word)));
                continue;
            }
            let parts = parts(word);
            if parts.len() > 1 {
                tokens.push(Token::Whole(lower(word)));
            }
            let is_acronym =
                parts.len() == 1 && word.chars().nth(1).is_some() && word.chars().all(char::is_uppercase);
            let is_capital = word.chars().next().is_some_and(char::is_uppercase);
            let (is_first, is_part) = (tokens.is_empty(), is_divided || parts.len() > 1);
            let word = |lower| Token::Word { lower, is_acronym, is_capital, is_first, is_part };
            tokens.extend(parts.into_iter().map(word));
        }
    }
    tokens
}

/// The runs of letters, digits and signs between them. A run of a script without spaces is apart from others.
fn chunks(text: &str) -> Vec<&str> {
    let mut chunks = Vec::new();
    let mut start: Option<(usize, bool)> = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let is_inside = c.is_alphanumeric()
            || c == '_'
            || (start.is_some() && unicode_normalization::char::is_combining_mark(c))
            || (start.is_some() && JOINERS.contains(&c) && next.is_some_and(char::is_alphanumeric));
        let is_unspaced = Script::of(c).is_unspaced();
        match start {
            Some((from, _)) if !is_inside => {
                chunks.push(&text[from..at]);
                start = None;
            }
            Some((from, was_unspaced)) if c.is_alphanumeric() && was_unspaced != is_unspaced => {
                chunks.push(text[from..at].trim_end_matches(JOINERS));
                start = Some((at, is_unspaced));
            }
            None if is_inside => start = Some((at, is_unspaced)),
            _ => {}
        }
    }
    if let Some((from, _)) = start {
        chunks.push(&text[from..]);
    }
    chunks
}

/// A chunk of several parts with a digit, as a whole: `xk-4471-b`, `1.24.4`.
fn whole(chunk: &str) -> Option<String> {
    let chunk = chunk.trim_matches('_');
    let is_whole = chunk.contains(JOINERS)
        && chunk.chars().any(|c| c.is_ascii_digit())
        && chunk.chars().count() <= MAX_WHOLE_CHARS;
    is_whole.then(|| lower(chunk))
}

/// The digits of a number such as `21,000` or `1.250.000`.
fn without_thousands(chunk: &str) -> Option<String> {
    let separator = chunk.find([',', '.']).and_then(|at| chunk[at..].chars().next())?;
    let mut groups = chunk.split(separator);
    let first = groups.next()?;
    let are_digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    let is_number = (1..=3).contains(&first.len())
        && are_digits(first)
        && !first.starts_with('0')
        && groups.all(|group| group.len() == 3 && are_digits(group));
    is_number.then(|| chunk.replace(separator, ""))
}

/// Splits an identifier into lower-case parts: `or_insert` into `or`, `insert`, and `HashMap` into
/// `hash`, `map`.
fn parts(word: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut before_lower = false;
    for c in word.chars() {
        if c == '_' || (c.is_uppercase() && before_lower) {
            parts.push(std::mem::take(&mut part));
        }
        before_lower = c.is_lowercase();
        if c != '_' {
            part.push(c);
        }
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    parts.iter().map(|part| lower(part)).collect()
}

/// The terms of a run of characters without spaces: its pairs of characters, without those of Hiragana alone,
/// which are endings and particles; words in Katakana; single characters that stand alone.
pub(super) fn character_terms(run: &str) -> Vec<String> {
    let chars: Vec<char> = run.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut terms = Vec::new();
    for (index, first) in chars.iter().enumerate() {
        let script = Script::of(*first);
        let next = chars.get(index + 1);
        if script == Script::Katakana && (index == 0 || Script::of(chars[index - 1]) != Script::Katakana) {
            let word: String =
                chars[index..].iter().take_while(|c| Script::of(**c) == Script::Katakana).collect();
            if word.chars().nth(2).is_some() {
                terms.push(word);
            }
        }
        match next {
            Some(next) if script == Script::Hiragana && Script::of(*next) == Script::Hiragana => {}
            Some(next) => terms.push([*first, *next].iter().collect()),
            None if chars.len() == 1 => terms.push(first.to_string()),
            None => {}
        }
    }
    terms
}
