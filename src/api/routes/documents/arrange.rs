//! Searches and sorts decrypted rows of documents. Pure.

use projections::documents::DocumentRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The characters of a title that a cursor holds. Documents whose titles agree in them are in the order of
/// their ids.
const TITLE_CHARACTERS: usize = 60;

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

/// The documents that are listed, and their order. Texts are in lower case.
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
            Order::Title => Key(0, row.title.to_lowercase().chars().take(TITLE_CHARACTERS).collect(), id),
            Order::Size => Key(-row.size, String::new(), id),
        }
    }

    fn matches(&self, row: &DocumentRow) -> bool {
        let tags: Vec<String> = row.tags.iter().map(|tag| tag.to_lowercase()).collect();
        let title = row.title.to_lowercase();
        let has = |word: &str| title.contains(word) || tags.iter().any(|tag| tag.contains(word));
        (self.tag.is_empty() || tags.contains(&self.tag)) && self.words.split_whitespace().all(has)
    }
}

/// A page of documents, and the key of its last one if more follow.
pub(super) fn arrange(
    rows: Vec<DocumentRow>,
    arrangement: &Arrangement,
    after: Option<&Key>,
    limit: u32,
) -> (Vec<DocumentRow>, Option<Key>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let matching = rows.into_iter().filter(|row| arrangement.matches(row));
    let mut keyed: Vec<_> = matching.map(|row| (arrangement.key(&row), row)).collect();
    keyed.retain(|(key, _)| after.is_none_or(|after| key > after));
    keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
    let has_more = keyed.len() > limit;
    keyed.truncate(limit);
    let last = keyed.last().filter(|_| has_more).map(|(key, _)| key.clone());
    (keyed.into_iter().map(|(_, row)| row).collect(), last)
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
            let (page, next) = arrange(rows.to_vec(), arrangement, after.as_ref(), 2);
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
        assert_eq!(by(Order::Title), [["Apple", "apple pie"], ["Zebra", "Über"]]);
        assert_eq!(by(Order::Size), [["apple pie", "Apple"], ["Über", "Zebra"]]);
        assert_eq!(by(Order::Oldest), [["Zebra", "apple pie"], ["Apple", "Über"]]);
        assert_eq!(by(Order::Newest), [["Über", "Apple"], ["apple pie", "Zebra"]]);
    }

    #[test]
    fn words_are_found_in_titles_and_tags() {
        let with = |words: &str, tag: &str| {
            let (words, tag) = (words.to_owned(), tag.to_owned());
            pages(&Arrangement { words, tag, order: Order::Title }).concat()
        };
        assert_eq!(with("apple", ""), ["Apple", "apple pie"]);
        assert_eq!(with("apple fruit", ""), ["Apple"]);
        assert_eq!(with("", "animals"), ["Apple", "Zebra"]);
        assert_eq!(with("über", ""), ["Über"]);
        assert!(with("", "animal").is_empty());
    }
}
