//! Tells the brackets of links and of values from those of marks.

use crate::cite::mark::Numbers;

/// Words in front of the number in the target of a link within the answer.
const ANCHORS: [&str; 14] = [
    "",
    "source",
    "src",
    "ref",
    "reference",
    "cite",
    "citation",
    "footnote",
    "fn",
    "note",
    "passage",
    "doc",
    "document",
    "quelle",
];

/// Whether the target of a link with one number is the place of a source in the answer, such as `#1` or
/// `#source-1`. The answer has no such places: the link is a mark.
pub(super) fn is_anchor(target: &str, numbers: &Numbers) -> bool {
    let Some(anchor) = target.trim().strip_prefix('#') else { return false };
    let word = anchor.trim_end_matches(|c: char| c.is_ascii_digit());
    let name = word.trim_end_matches(['-', '_', ':', '.']).to_ascii_lowercase();
    let number = anchor[word.len()..].parse().ok();
    ANCHORS.contains(&name.as_str()) && number.is_some_and(|number| numbers.is(number))
}

/// Whether the content of brackets is the label of a link.
pub(super) fn is_label(content: &str) -> bool {
    content.is_empty()
        || (content.contains(char::is_alphabetic)
            && !content.starts_with('^')
            && Numbers::read(content).is_none())
}

/// The number of bytes of brackets without numbers that are decided: all where they cannot hold marks, as in
/// lists of values.
pub(super) fn kept_of(content: &str, length: usize) -> usize {
    let inner = content.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    if inner.is_some_and(|inner| Numbers::read(inner).is_some()) {
        return 1;
    }
    let holds_values =
        content.starts_with(['[', '"', '\'', '{', '^']) || !content.contains(char::is_alphabetic);
    if holds_values { length } else { 1 }
}
