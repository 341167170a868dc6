//! Merges adjacent passages of a document into one source, so that they are read as continuous text.

use crate::vocabulary::{PassageId, Source};

/// The largest number of passages in one source.
const MAX_PASSAGES: usize = 3;

/// Merges sources that follow each other under the same headings. The merged source takes the better position
/// of the two.
pub fn merge_adjacent(mut sources: Vec<Source>) -> Vec<Source> {
    while let Some((first, next)) = adjacent_pair(&sources) {
        let worse = sources.remove(first.max(next));
        let better = &mut sources[first.min(next)];
        *better = if first < next { merge(better.clone(), &worse) } else { merge(worse, better) };
    }
    sources
}

/// Returns the positions of two sources of which the second continues the first.
fn adjacent_pair(sources: &[Source]) -> Option<(usize, usize)> {
    let next = |first: &Source| sources.iter().position(|next| continues(first, next));
    sources.iter().enumerate().find_map(|(index, first)| Some((index, next(first)?)))
}

fn merge(mut first: Source, next: &Source) -> Source {
    first.merged += next.merged + 1;
    first.passage.text = joined(&first.passage.text, &next.passage.text);
    first.passage.vectors.extend(&next.passage.vectors);
    let places = first.passage.place.as_ref().zip(next.passage.place.as_ref());
    first.passage.place = places.and_then(|(start, end)| start.to(end));
    first.score = first.score.max(next.score);
    first.relevance = first.relevance.max(next.relevance);
    first
}

/// Two texts as one. The parts of a table, which begin with the same header, become one table again.
fn joined(first: &str, next: &str) -> String {
    let separator = match (first.lines().nth(1), next.lines().nth(1)) {
        (Some(line), Some(_)) if line.starts_with("|---") => {
            let header: usize = first.split_inclusive('\n').take(2).map(str::len).sum();
            if first.get(..header).is_some_and(|header| next.starts_with(header)) {
                return format!("{}\n{}", first.trim_end(), &next[header..]);
            }
            "\n\n"
        }
        _ => "\n\n",
    };
    [first, separator, next].concat()
}

/// Whether `next` continues `first` and both fit into one source.
fn continues(first: &Source, next: &Source) -> bool {
    let following = PassageId { ordinal: first.id.ordinal + first.merged + 1, ..first.id };
    let passages = first.merged + next.merged + 2;
    next.id == following
        && first.passage.heading == next.passage.heading
        && has_place_of_both(first, next)
        && usize::try_from(passages).is_ok_and(|passages| passages <= MAX_PASSAGES)
}

/// Whether one place can name both passages. Rows that are one table when merged follow each other, and a row
/// that is written cell by cell stays alone, so that each row of a source has a place of its own.
fn has_place_of_both(first: &Source, next: &Source) -> bool {
    let are_rows = |source: &Source| source.passage.is_table();
    match (&first.passage.place, &next.passage.place) {
        (Some(start), Some(end)) => match (start.rows(), end.rows()) {
            (Some((_, last)), Some((next_row, _))) if are_rows(first) && are_rows(next) => {
                next_row == last + 1 && start.to(end).is_some()
            }
            (Some(rows), Some(next_rows)) => rows == next_rows && start.to(end).is_some(),
            _ => start.to(end).is_some(),
        },
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::vocabulary::{DocumentId, PassageText, Place};

    fn source(document: u128, ordinal: u32, heading: &str) -> Source {
        Source {
            id: PassageId { document_id: DocumentId::from(Uuid::from_u128(document)), ordinal },
            passage: PassageText {
                title: String::new(),
                heading: vec![heading.into()],
                text: ordinal.to_string(),
                ..PassageText::default()
            },
            score: 1.0,
            relevance: 1.0,
            merged: 0,
        }
    }

    fn row(ordinal: u32, text: &str, first: u32, last: u32) -> Source {
        let mut source = source(1, ordinal, "A");
        source.passage.text = text.into();
        source.passage.place = Some(Place::Rows { first, last });
        source
    }

    #[test]
    fn rows_are_merged_where_they_follow_each_other() {
        let head = "| a |\n|---|\n";
        let table = |rows: &str| format!("{head}{rows}");
        let merged = |second| {
            let sources =
                vec![row(3, &table("| x |\n| y |\n"), 2, 3), row(4, &table("| z |\n"), second, second)];
            merge_adjacent(sources).into_iter().map(|source| source.passage.place).collect::<Vec<_>>()
        };
        let rows = |first, last| Some(Place::Rows { first, last });
        assert_eq!(merged(4), [rows(2, 4)]);
        assert_eq!(merged(9), [rows(2, 3), rows(9, 9)]);
        let alone = merge_adjacent(vec![row(3, "- a: x\n", 2, 2), row(4, "- a: y\n", 3, 3)]);
        assert_eq!(alone.len(), 2);
    }

    fn texts(sources: Vec<Source>) -> Vec<String> {
        merge_adjacent(sources).into_iter().map(|s| s.passage.text.replace("\n\n", " ")).collect()
    }

    #[test]
    fn adjacent_sources_are_merged_at_the_better_position() {
        let found = vec![source(1, 4, "A"), source(2, 9, "A"), source(1, 3, "A"), source(1, 5, "A")];
        assert_eq!(texts(found), ["3 4 5", "9"]);
        assert_eq!(texts(vec![source(1, 3, "A"), source(1, 5, "A"), source(1, 4, "A")]), ["3 4 5"]);
    }

    #[test]
    fn sources_of_other_sections_and_documents_are_not_merged() {
        assert_eq!(texts(vec![source(1, 4, "A"), source(1, 5, "B"), source(2, 5, "A")]), ["4", "5", "5"]);
    }

    proptest! {
        #[test]
        fn each_passage_is_in_one_source(ordinals in prop::collection::hash_set(0_u32..12, 0..12)) {
            let found: Vec<_> = ordinals.iter().map(|ordinal| source(1, *ordinal, "A")).collect();
            let merged = merge_adjacent(found);
            let mut after: Vec<u32> = merged.iter().flat_map(Source::passages).map(|(id, _)| id.ordinal).collect();
            after.sort_unstable();
            let mut before: Vec<u32> = ordinals.into_iter().collect();
            before.sort_unstable();
            prop_assert_eq!(after, before);
            prop_assert!(merged.iter().all(|source| source.merged < 3));
        }
    }
}
