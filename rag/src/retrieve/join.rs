//! Joins sources that follow each other in their document, so that they are read as the one text they are.

use crate::vocabulary::{PassageId, Source};

/// No more passages than these become one.
const MOST: usize = 3;

/// The sources with neighbours under the same headings joined, each where the better of them stood.
pub fn join_neighbours(mut sources: Vec<Source>) -> Vec<Source> {
    while let Some((first, next)) = neighbours(&sources) {
        let worse = sources.remove(first.max(next));
        let place = &mut sources[first.min(next)];
        *place = if first < next { together(place.clone(), &worse) } else { together(worse, place) };
    }
    sources
}

/// The places of two sources of which the second goes on where the first ends.
fn neighbours(sources: &[Source]) -> Option<(usize, usize)> {
    let behind = |first: &Source| sources.iter().position(|next| follows(first, next));
    sources.iter().enumerate().find_map(|(at, first)| Some((at, behind(first)?)))
}

fn together(mut first: Source, next: &Source) -> Source {
    first.merged += next.merged + 1;
    first.passage.text.push_str("\n\n");
    first.passage.text.push_str(&next.passage.text);
    first.score = first.score.max(next.score);
    first.relevance = first.relevance.max(next.relevance);
    first
}

/// Whether `next` goes on where `first` ends.
fn follows(first: &Source, next: &Source) -> bool {
    let behind = PassageId { ordinal: first.id.ordinal + first.merged + 1, ..first.id };
    let passages = first.merged + next.merged + 2;
    next.id == behind
        && first.passage.heading == next.passage.heading
        && usize::try_from(passages).is_ok_and(|passages| passages <= MOST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::vocabulary::{DocumentId, PassageText};

    fn source(document: u128, ordinal: u32, heading: &str) -> Source {
        Source {
            id: PassageId { document_id: DocumentId::from(Uuid::from_u128(document)), ordinal },
            passage: PassageText {
                title: String::new(),
                heading: vec![heading.into()],
                text: ordinal.to_string(),
            },
            score: 1.0,
            relevance: 1.0,
            merged: 0,
        }
    }

    fn texts(sources: Vec<Source>) -> Vec<String> {
        join_neighbours(sources).into_iter().map(|s| s.passage.text.replace("\n\n", " ")).collect()
    }

    #[test]
    fn neighbours_become_one_in_the_better_place() {
        let found = vec![source(1, 4, "A"), source(2, 9, "A"), source(1, 3, "A"), source(1, 5, "A")];
        assert_eq!(texts(found), ["3 4 5", "9"]);
        assert_eq!(texts(vec![source(1, 3, "A"), source(1, 5, "A"), source(1, 4, "A")]), ["3 4 5"]);
    }

    #[test]
    fn other_sections_and_documents_stay_apart() {
        assert_eq!(texts(vec![source(1, 4, "A"), source(1, 5, "B"), source(2, 5, "A")]), ["4", "5", "5"]);
    }

    proptest! {
        #[test]
        fn no_passage_is_lost_and_none_said_twice(ordinals in prop::collection::hash_set(0_u32..12, 0..12)) {
            let found: Vec<_> = ordinals.iter().map(|ordinal| source(1, *ordinal, "A")).collect();
            let joined = join_neighbours(found);
            let mut said: Vec<u32> = joined.iter().flat_map(Source::passages).map(|(id, _)| id.ordinal).collect();
            said.sort_unstable();
            let mut given: Vec<u32> = ordinals.into_iter().collect();
            given.sort_unstable();
            prop_assert_eq!(said, given);
            prop_assert!(joined.iter().all(|source| source.merged < 3));
        }
    }
}
