//! Searches and sorts decrypted rows of documents. Pure.

use projections::documents::DocumentRow;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use utoipa::ToSchema;
use uuid::Uuid;

/// The characters of a title that a cursor holds. Documents whose titles agree in them are in the order of
/// their ids.
const TITLE_CHARACTERS: usize = 80;
/// Digits to which numbers in titles are filled up.
const NUMBER_DIGITS: usize = 12;

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Order {
    /// Newest first.
    #[default]
    Newest,
    /// Oldest first.
    Oldest,
    /// By title.
    Title,
    /// Largest first.
    Size,
}

impl Order {
    /// The order with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "newest" => Some(Self::Newest),
            "oldest" => Some(Self::Oldest),
            "title" => Some(Self::Title),
            "size" => Some(Self::Size),
            _ => None,
        }
    }
}

/// The documents that are listed, and their order. The words are [`plain`], and the tag is in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Arrangement {
    pub(super) words: String,
    pub(super) tag: String,
    pub(super) order: Order,
}

/// The sort key of a document. Lists are in ascending order of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Key(i64, String, Uuid);

impl Arrangement {
    fn key(&self, row: &DocumentRow) -> Key {
        let (id, created_at) = (row.id.uuid(), row.created_at.timestamp_micros());
        match self.order {
            // The opposite of the oldest first, ids included.
            Order::Newest => Key(-created_at, String::new(), Uuid::from_u128(!id.as_u128())),
            Order::Oldest => Key(created_at, String::new(), id),
            Order::Title => Key(0, collated(&row.title), id),
            Order::Size => Key(-row.size, String::new(), id),
        }
    }

    fn matches(&self, row: &DocumentRow) -> bool {
        let has_tag = self.tag.is_empty() || row.tags.iter().any(|tag| tag.to_lowercase() == self.tag);
        if !has_tag || self.words.is_empty() {
            return has_tag;
        }
        let texts = std::iter::once(&row.title).chain(&row.tags).map(|text| plain(text)).collect::<Vec<_>>();
        let has = |word: &str| texts.iter().any(|text| text.contains(word));
        self.words.split_whitespace().all(has)
    }
}

/// A title as it is sorted: by its plain text, and numbers by their values.
fn collated(title: &str) -> String {
    let plain = plain(title);
    let mut collated = String::with_capacity(plain.len());
    let mut rest = plain.as_str();
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        let (digits, after) =
            number.split_at(number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len()));
        let digits = digits.trim_start_matches('0');
        collated.push_str(before);
        collated.extend(std::iter::repeat_n('0', NUMBER_DIGITS.saturating_sub(digits.len())));
        collated.push_str(digits);
        rest = after;
    }
    collated.push_str(rest);
    collated.chars().take(TITLE_CHARACTERS).collect()
}

/// A text without the differences that a search ignores: case, accents, and the form of a letter.
pub(super) fn plain(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkd().filter(|c| !is_combining_mark(*c)).collect::<String>().to_lowercase()
}

/// A page of documents, and the key of its last one if more follow.
pub(super) fn arrange(
    rows: &[DocumentRow],
    arrangement: &Arrangement,
    after: Option<&Key>,
    limit: u32,
) -> (Vec<DocumentRow>, Option<Key>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let matching = rows.iter().filter(|row| arrangement.matches(row));
    let mut keyed: Vec<_> = matching.map(|row| (arrangement.key(row), row)).collect();
    keyed.retain(|(key, _)| after.is_none_or(|after| key > after));
    keyed.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let has_more = keyed.len() > limit;
    keyed.truncate(limit);
    let last = keyed.last().filter(|_| has_more).map(|(key, _)| key.clone());
    (keyed.into_iter().map(|(_, row)| row.clone()).collect(), last)
}

#[cfg(test)]
mod tests {
    use aggregates::DocumentId;

    use super::*;
    use crate::api::snapshots::{document_row, id};

    fn row(number: u128, title: &str, size: i64, tags: &[&str]) -> DocumentRow {
        let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        DocumentRow { id: DocumentId::new(id(number)), title: title.into(), size, tags, ..document_row() }
    }

    fn pages(arrangement: &Arrangement) -> Vec<Vec<String>> {
        let rows = [
            row(1, "Zebra", 5, &["Animals"]),
            row(2, "apple pie", 90, &[]),
            row(3, "Apple", 7, &["fruit", "animals"]),
            row(4, "Über", 7, &[]),
        ];
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = arrange(&rows, arrangement, after.as_ref(), 2);
            pages.push(page.into_iter().map(|row| row.title).collect());
            after = next;
            if after.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn a_list_is_sorted_page_by_page() {
        let by = |order| pages(&Arrangement { order, ..Arrangement::default() });
        assert_eq!(by(Order::Title), [["Apple", "apple pie"], ["Über", "Zebra"]]);
        assert_eq!(by(Order::Size), [["apple pie", "Apple"], ["Über", "Zebra"]]);
        assert_eq!(by(Order::Oldest), [["Zebra", "apple pie"], ["Apple", "Über"]]);
        assert_eq!(by(Order::Newest), [["Über", "Apple"], ["apple pie", "Zebra"]]);
    }

    #[test]
    fn titles_are_sorted_as_people_sort_them() {
        let mut titles = ["Report 10", "report 9b", "Öl", "Report 2", "Zoll", "Report 010 a", "opal"];
        titles.sort_by_key(|title| collated(title));
        assert_eq!(titles, ["Öl", "opal", "Report 2", "report 9b", "Report 10", "Report 010 a", "Zoll"]);
    }

    #[test]
    fn words_are_found_in_titles_and_tags() {
        let with = |words: &str, tag: &str| {
            let (words, tag) = (plain(words), tag.to_owned());
            pages(&Arrangement { words, tag, order: Order::Title }).concat()
        };
        assert_eq!(with("apple", ""), ["Apple", "apple pie"]);
        assert_eq!(with("apple fruit", ""), ["Apple"]);
        assert_eq!(with("", "animals"), ["Apple", "Zebra"]);
        assert_eq!(with("über", ""), ["Über"]);
        assert_eq!(with("UBER", ""), ["Über"]);
        assert!(with("", "animal").is_empty());
    }
}
