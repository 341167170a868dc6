//! Answers without a language model: quotes the sentences of the sources that answer the question, cited, and says so
//! when none does. It invents nothing, and finds no sources itself.

mod compose;
mod pick;

use std::time::Duration;

use crate::embed::{EmbedError, Embedder};
use crate::vocabulary::{NO_ANSWER, Source};

/// Time between two groups of words when a quotation is streamed.
pub const PACE: Duration = Duration::from_millis(12);
/// Words streamed together.
const GROUP: usize = 4;

/// Quoted sentences with the marks of their sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotation {
    /// Markdown.
    pub text: String,
    /// The numbers cited, each once, in the order of the text; empty when nothing answers.
    pub cited: Vec<u32>,
}

/// The quotation that answers the question best. Sources keep the numbers of their order, from 1.
pub async fn quote(embedder: &Embedder, question: &str, sources: &[Source]) -> Result<Quotation, EmbedError> {
    let candidates = pick::candidates(sources);
    if candidates.is_empty() {
        return Ok(nothing());
    }
    let mut texts = vec![question.to_owned()];
    // A sentence that says "it" is understood under its heading.
    texts.extend(candidates.iter().map(|candidate| {
        let heading = sources[candidate.source].passage.heading.last().map_or("", String::as_str);
        format!("{heading}\n{}", candidate.piece.text())
    }));
    let vectors = embedder.embed(texts).await?;
    let picked = pick::pick(question, sources, &candidates, &vectors);
    Ok(if picked.is_empty() { nothing() } else { compose::compose(&picked, sources) })
}

fn nothing() -> Quotation {
    Quotation { text: NO_ANSWER.to_owned(), cited: Vec::new() }
}

/// A text in the groups of words it is streamed in; joined they are the text.
pub fn word_groups(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.match_indices([' ', '\n']).nth(GROUP - 1).map_or(rest.len(), |(at, _)| at + 1);
        let (group, after) = rest.split_at(end);
        rest = after;
        (!group.is_empty()).then_some(group)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn word_groups_joined_are_the_text(text in "\\PC{0,120}|([a-z]{1,9}[ \n]{0,2}){0,40}") {
            let groups: Vec<_> = word_groups(&text).collect();
            prop_assert!(groups.iter().all(|group| !group.is_empty()));
            prop_assert_eq!(groups.concat(), text);
        }
    }
}
