//! Marked words: each word that a person writes names the person, wherever it shows up later.

use uuid::Uuid;

use super::history::Who;

const PREFIX: &str = "qx";
/// `qx`, two digits for the person, `n`, six digits for the word.
const LENGTH: usize = 11;

/// A word of a person's own.
pub(super) fn mark(who: Who, number: u64) -> String {
    format!("{PREFIX}{:02}n{:06}", who % 100, number % 1_000_000)
}

/// Prefix of all words of a person.
pub(super) fn beginning(who: Who) -> String {
    format!("{PREFIX}{:02}n", who % 100)
}

/// The person whose word it is.
pub(super) fn owner(mark: &str) -> Option<Who> {
    mark.get(2..4)?.parse().ok()
}

/// The marked words in a text, in order.
pub(super) fn found_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(PREFIX).filter_map(|(start, _)| {
        let word = text.get(start..start + LENGTH)?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        (digits(&word[2..4]) && &word[4..5] == "n" && digits(&word[5..])).then_some(word)
    })
}

/// The UUIDs in a text.
pub(super) fn ids_in(text: &str) -> impl Iterator<Item = Uuid> {
    text.match_indices('-').filter_map(|(first_hyphen, _)| {
        let start = first_hyphen.checked_sub(8)?;
        Uuid::try_parse(text.get(start..start + 36)?).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_wherever_it_stands_and_names_its_person() {
        let text = format!("{{\"title\":\"{}\"}}qx1 qx12m000001 {}.", mark(7, 3), mark(12, 1_000_001));
        let found: Vec<&str> = found_in(&text).collect();
        assert_eq!(found, ["qx07n000003", "qx12n000001"]);
        assert_eq!(found.iter().map(|mark| owner(mark)).collect::<Vec<_>>(), [Some(7), Some(12)]);
        assert!(mark(7, 3).starts_with(&beginning(7)));
    }

    #[test]
    fn ids_are_found_in_json() {
        let id = Uuid::from_u128(0x0197_b3f0_0000_7000_8000_0000_0000_0001);
        let text = format!("{{\"id\":\"{id}\",\"a-b\":\"{}\"}}", Uuid::nil());
        assert_eq!(ids_in(&text).collect::<Vec<_>>(), [id, Uuid::nil()]);
    }
}
