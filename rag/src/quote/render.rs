//! Renders excerpts as Markdown. Each excerpt stands under a caption of its title and heading and ends with
//! the number of its source.

use std::collections::BTreeSet;

use super::Quotation;
use super::select::{Candidate, Excerpt};
use crate::markdown::Segment;
use crate::sparse::SparseVector;
use crate::vocabulary::{PassageText, Source};

/// Renders the excerpts in order.
pub(super) fn render(excerpts: &[Excerpt], sources: &[Source]) -> Quotation {
    let mut cited = Vec::new();
    let mut paragraphs = Vec::new();
    let mut previous_caption = String::new();
    for excerpt in excerpts {
        let Some(first) = excerpt.first() else { continue };
        let (Some(source), Ok(number)) = (sources.get(first.source), u32::try_from(first.source + 1)) else {
            continue;
        };
        if !cited.contains(&number) {
            cited.push(number);
        }
        let caption = caption(&source.passage);
        if caption != previous_caption && adds_terms(&caption, excerpt) {
            paragraphs.push(format!("**{caption}**"));
        }
        previous_caption = caption;
        paragraphs.push(render_excerpt(excerpt, number));
    }
    Quotation { text: paragraphs.join("\n\n"), cited }
}

/// Returns title and innermost heading. They name the subject that a sentence of a reference leaves out.
fn caption(passage: &PassageText) -> String {
    let title = Some(passage.title.as_str()).filter(|title| !title.is_empty());
    let names = title.into_iter().chain(passage.heading.last().map(String::as_str));
    without_citations(&names.collect::<Vec<_>>().join(" › ").replace('*', "\\*"))
}

/// Whether the caption has a term that the excerpt does not have.
fn adds_terms(caption: &str, excerpt: &Excerpt) -> bool {
    let terms = |candidate: &Candidate| SparseVector::of_query(candidate.segment.text()).indices;
    let excerpt_terms: BTreeSet<u32> = excerpt.iter().flat_map(terms).collect();
    SparseVector::of_query(caption).indices.iter().any(|term| !excerpt_terms.contains(term))
}

/// Renders one excerpt. The number of its source follows the last segment that is not code.
fn render_excerpt(excerpt: &Excerpt, number: u32) -> String {
    let cited_segment =
        excerpt.iter().rposition(|candidate| !matches!(candidate.segment, Segment::Code { .. }));
    let citation = format!("[{number}]");
    let mut text = String::new();
    let mut previous: Option<&Segment> = None;
    for (index, Candidate { segment, .. }) in excerpt.iter().enumerate() {
        text.push_str(separator(previous, segment));
        match segment {
            Segment::Sentence { text: sentence, .. } => text.push_str(&without_citations(sentence)),
            Segment::Item(item) => {
                text.push_str("- ");
                text.push_str(&without_citations(item));
            }
            Segment::Code { text: code, language } => text.push_str(&fenced(code, language)),
        }
        if cited_segment == Some(index) {
            text.extend([" ", &citation]);
        }
        previous = Some(segment);
    }
    if cited_segment.is_none() {
        text.extend(["\n\n", &citation]);
    }
    text
}

fn separator(previous: Option<&Segment>, next: &Segment) -> &'static str {
    match (previous, next) {
        (None, _) => "",
        (Some(Segment::Sentence { paragraph: a, .. }), Segment::Sentence { paragraph: b, .. }) if a == b => {
            " "
        }
        (Some(Segment::Item(_)), Segment::Item(_)) => "\n",
        _ => "\n\n",
    }
}

fn fenced(code: &str, language: &str) -> String {
    let fence = if code.contains("```") { "~~~~" } else { "```" };
    format!("{fence}{language}\n{code}\n{fence}")
}

/// Replaces `[7]` outside code by `(7)`, so that it does not read as a citation of this answer.
fn without_citations(text: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (before, bracket) = rest.split_at(open);
        replaced.push_str(before);
        match bracket.find(']') {
            Some(close)
                if close > 1
                    && bracket[1..close].bytes().all(|b| b.is_ascii_digit())
                    && !is_in_code(&replaced) =>
            {
                replaced.extend(["(", &bracket[1..close], ")"]);
                rest = &bracket[close + 1..];
            }
            _ => {
                replaced.push('[');
                rest = &bracket[1..];
            }
        }
    }
    replaced.push_str(rest);
    replaced
}

fn is_in_code(before: &str) -> bool {
    before.matches('`').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::vocabulary::{DocumentId, PassageId};

    fn sentence(source: usize, text: &str, paragraph: usize) -> Candidate {
        Candidate { source, segment: Segment::Sentence { text: text.into(), paragraph } }
    }

    fn source(title: &str, heading: &[&str]) -> Source {
        let heading = heading.iter().map(|part| (*part).to_owned()).collect();
        Source {
            id: PassageId { document_id: DocumentId::from(Uuid::nil()), ordinal: 0 },
            passage: PassageText { title: title.into(), heading, text: String::new() },
            score: 0.5,
            relevance: 0.5,
            merged: 0,
        }
    }

    fn untitled() -> Source {
        source("", &[])
    }

    #[test]
    fn an_excerpt_stands_under_a_caption_that_adds_terms() {
        let sources = [source("Console", &["Class", "`console.group([...label])`"]), source("Eggs", &[])];
        let excerpts =
            [vec![sentence(0, "Increases indentation.", 1)], vec![sentence(1, "Boil the egg.", 1)]];
        assert_eq!(
            render(&excerpts, &sources).text,
            "**Console › `console.group([...label])`**\n\nIncreases indentation. [1]\n\nBoil the egg. [2]"
        );
    }

    #[test]
    fn a_caption_is_not_repeated() {
        let sources = [source("Files", &["Open"]), source("Files", &["Open"])];
        let excerpts = [vec![sentence(0, "First.", 1)], vec![sentence(1, "Second.", 1)]];
        assert_eq!(render(&excerpts, &sources).text, "**Files › Open**\n\nFirst. [1]\n\nSecond. [2]");
    }

    #[test]
    fn each_excerpt_ends_with_the_number_of_its_source() {
        let code =
            Candidate { source: 0, segment: Segment::Code { text: "x".into(), language: "rust".into() } };
        let excerpts = [
            vec![sentence(2, "First.", 1), sentence(2, "Second.", 1)],
            vec![sentence(0, "Look:", 1), code],
            vec![sentence(2, "Third.", 3)],
        ];
        let quotation = render(&excerpts, &[untitled(), untitled(), untitled()]);
        assert_eq!(quotation.text, "First. Second. [3]\n\nLook: [1]\n\n```rust\nx\n```\n\nThird. [3]");
        assert_eq!(quotation.cited, [3, 1]);
    }

    #[test]
    fn numbers_in_the_brackets_of_a_source_are_no_citations() {
        assert_eq!(without_citations("See [7] and `v[0]` and [x] ["), "See (7) and `v[0]` and [x] [");
    }
}
