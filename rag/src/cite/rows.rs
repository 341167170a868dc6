//! The rows of a table that an answer cites: those whose cells stand in the sentence in front of a mark.

use std::collections::BTreeSet;

use super::mark::{MAX_MARK_BYTES, Numbers};
use crate::markdown::{Segment, segments};
use crate::vocabulary::{Place, Source};

/// The longest text in front of a mark in which cells are looked for, in bytes.
const MAX_SENTENCE_BYTES: usize = 600;

/// The place of rows of a source, by their numbers in its table, from 1; `None` where the numbers in the file
/// are not known.
pub(crate) fn place_of(source: &Source, first: u32, last: u32) -> Option<Place> {
    let place = source.passage.place.as_ref()?;
    let (first_row, last_row) = place.rows()?;
    // The table has a line for each of its rows, below its header.
    let lines = source.passage.text.lines().filter(|line| line.starts_with('|')).count();
    let has_all =
        source.passage.is_table() && lines == usize::try_from(last_row.checked_sub(first_row)?).ok()? + 3;
    has_all.then(|| place.at_rows(first_row + first - 1, first_row + last - 1))
}

/// The place and the texts of the rows of a source that an answer cites under a number; `None` where the
/// source is no table, or the answer does not tell its rows apart.
pub(super) fn cited(number: u32, answer: &str, source: &Source) -> Option<(Place, Vec<String>)> {
    source.passage.place.as_ref()?.rows()?;
    let rows: Vec<(u32, String, BTreeSet<String>)> = segments(&source.passage.text)
        .into_iter()
        .filter_map(|segment| match segment {
            Segment::Row { table: 1, row, text, cells, .. } => {
                Some((row, text, cells.iter().map(|cell| cell.trim().to_lowercase()).collect()))
            }
            _ => None,
        })
        .collect();
    let mut chosen = BTreeSet::new();
    let sentences = sentences(answer, number).into_iter().map(str::to_lowercase);
    for sentence in sentences.collect::<BTreeSet<_>>() {
        let matches =
            |cells: &BTreeSet<String>| cells.iter().filter(|cell| has_words(&sentence, cell)).count();
        let counts: Vec<usize> = rows.iter().map(|(_, _, cells)| matches(cells)).collect();
        let most = counts.iter().copied().max().filter(|most| *most > 0)?;
        chosen.extend((0..rows.len()).filter(|index| counts[*index] == most));
    }
    if chosen.is_empty() || chosen.len() == rows.len() {
        return None;
    }
    let (first, last) = (*chosen.first()?, *chosen.last()?);
    let place = place_of(source, rows[first].0, rows[last].0)?;
    Some((place, chosen.into_iter().map(|index| rows[index].1.clone()).collect()))
}

/// The text in front of each mark of a number, from the start of its sentence.
fn sentences(answer: &str, number: u32) -> Vec<&str> {
    let mut sentences = Vec::new();
    for (start, _) in answer.match_indices('[') {
        let rest = &answer[start + 1..];
        let mark = &rest[..rest.floor_char_boundary(MAX_MARK_BYTES + 1)];
        let content = mark.split_once(']').map(|(content, _)| content);
        if content.and_then(Numbers::read).is_some_and(|numbers| numbers.contains(number)) {
            let before = answer[..start].trim_end();
            let before =
                &before[before.ceil_char_boundary(before.len().saturating_sub(MAX_SENTENCE_BYTES))..];
            // The end of the sentence can stand in front of its mark.
            let body = before.trim_end_matches(['.', '!', '?', '。', '！', '？']);
            let line = body.rfind('\n').map_or(0, |at| at + 1);
            sentences.extend(words::sentences(&body[line..]).pop());
        }
    }
    sentences
}

/// Whether a text has words, not as a part of longer ones.
fn has_words(text: &str, words: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    words.chars().any(char::is_alphanumeric)
        && text.match_indices(words).any(|(at, found)| {
            !is_part(text[..at].chars().next_back()) && !is_part(text[at + found.len()..].chars().next())
        })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::vocabulary::{DocumentId, PassageId, PassageText};

    const TABLE: &str = "| Hinge | Weight | Metal |\n|---|---|---|\n| 075 | 210 g | brass |\n| 076 | 240 g | brass |\n\
                         | 077 | 312 g | steel |\n| 078 | 312 g | brass |\n";

    fn source(text: &str, place: Place) -> Source {
        let passage = PassageText {
            title: "Stock".into(),
            text: text.into(),
            place: Some(place),
            ..PassageText::default()
        };
        let id = PassageId { document_id: DocumentId::from(Uuid::nil()), ordinal: 0 };
        Source { id, passage, score: 0.5, relevance: 0.5, merged: 0 }
    }

    fn place(answer: &str) -> Option<String> {
        let source = source(TABLE, Place::Rows { first: 76, last: 79 });
        cited(2, answer, &source).map(|(place, _)| place.to_string())
    }

    #[test]
    fn an_answer_is_cited_with_the_rows_that_its_sentence_tells() {
        assert_eq!(place("Hinge 077 weighs 312 g [2].").as_deref(), Some("row 78"));
        assert_eq!(place("Hinge 75 is light. Hinge 076 weighs 240 g.[1, 2]").as_deref(), Some("row 77"));
        assert_eq!(place("- 075: 210 g [2]\n- 077: 312 g [1-3]").as_deref(), Some("rows 76–78"));
        assert_eq!(place("| 078 | 312 g [2] |").as_deref(), Some("row 79"));
        assert_eq!(place("Hinge 077 weighs ca. 312 g [2]").as_deref(), Some("row 78"));
        let source = source(TABLE, Place::Rows { first: 76, last: 79 });
        assert_eq!(
            cited(1, "It is 077 [1].", &source).unwrap().1,
            ["Hinge: 077; Weight: 312 g; Metal: steel"]
        );
    }

    #[test]
    fn an_answer_that_tells_no_row_is_cited_with_the_whole_passage() {
        assert_eq!(place("All hinges are heavy [2]."), None);
        assert_eq!(place("Hinge 077 weighs 312 g [1]."), None);
        assert_eq!(place("Number 1077 weighs 12 g [2]."), None);
        let page = source(TABLE, Place::Pages { first: 3, last: 3 });
        assert_eq!(cited(1, "Hinge 077 [1]", &page), None);
        let unknown = source(TABLE, Place::Rows { first: 76, last: 99 });
        assert_eq!(cited(1, "Hinge 077 [1]", &unknown), None);
    }
}
