//! Joins quoted pieces into Markdown that reads like an answer, each run under what it is about and with the number of
//! its source.

use std::collections::BTreeSet;

use super::Quotation;
use super::pick::{Candidate, Run};
use crate::readable::Piece;
use crate::sparse::SparseVector;
use crate::vocabulary::PassageText;
use crate::vocabulary::Source;

/// The text of the runs and the numbers it cites.
pub(super) fn compose(runs: &[Run], sources: &[Source]) -> Quotation {
    let mut cited = Vec::new();
    let mut paragraphs = Vec::new();
    let mut above = String::new();
    for run in runs {
        let Some(first) = run.first() else { continue };
        let (Some(source), Ok(number)) = (sources.get(first.source), u32::try_from(first.source + 1)) else {
            continue;
        };
        if !cited.contains(&number) {
            cited.push(number);
        }
        let caption = caption(&source.passage);
        if caption != above && says_more(&caption, run) {
            paragraphs.push(format!("**{caption}**"));
        }
        above = caption;
        paragraphs.push(paragraph(run, number));
    }
    Quotation { text: paragraphs.join("\n\n"), cited }
}

/// What a passage is about: a sentence out of a reference means little without the name that stands above it.
fn caption(passage: &PassageText) -> String {
    let title = Some(passage.title.as_str()).filter(|title| !title.is_empty());
    let named = title.into_iter().chain(passage.heading.last().map(String::as_str));
    unmarked(&named.collect::<Vec<_>>().join(" › ").replace('*', "\\*"))
}

/// Whether it has a word that the run does not say itself.
fn says_more(caption: &str, run: &Run) -> bool {
    let said: BTreeSet<u32> =
        run.iter().flat_map(|candidate| SparseVector::of_query(candidate.piece.text()).indices).collect();
    SparseVector::of_query(caption).indices.iter().any(|term| !said.contains(term))
}

/// One run; the mark stands behind its last words, never in code.
fn paragraph(run: &Run, number: u32) -> String {
    let marked = run.iter().rposition(|candidate| !matches!(candidate.piece, Piece::Code { .. }));
    let mark = format!("[{number}]");
    let mut text = String::new();
    let mut previous: Option<&Piece> = None;
    for (at, Candidate { piece, .. }) in run.iter().enumerate() {
        text.push_str(between(previous, piece));
        match piece {
            Piece::Sentence { text: said, .. } => text.push_str(&unmarked(said)),
            Piece::Item(said) => {
                text.push_str("- ");
                text.push_str(&unmarked(said));
            }
            Piece::Code { text: code, language } => text.push_str(&fenced(code, language)),
        }
        if marked == Some(at) {
            text.extend([" ", &mark]);
        }
        previous = Some(piece);
    }
    if marked.is_none() {
        text.extend(["\n\n", &mark]);
    }
    text
}

fn between(previous: Option<&Piece>, next: &Piece) -> &'static str {
    match (previous, next) {
        (None, _) => "",
        (Some(Piece::Sentence { paragraph: a, .. }), Piece::Sentence { paragraph: b, .. }) if a == b => " ",
        (Some(Piece::Item(_)), Piece::Item(_)) => "\n",
        _ => "\n\n",
    }
}

fn fenced(code: &str, language: &str) -> String {
    let fence = if code.contains("```") { "~~~~" } else { "```" };
    format!("{fence}{language}\n{code}\n{fence}")
}

/// A source's own `[7]` would read as a citation.
fn unmarked(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (before, bracket) = rest.split_at(open);
        clean.push_str(before);
        match bracket.find(']') {
            Some(close)
                if close > 1 && bracket[1..close].bytes().all(|b| b.is_ascii_digit()) && !in_code(&clean) =>
            {
                clean.extend(["(", &bracket[1..close], ")"]);
                rest = &bracket[close + 1..];
            }
            _ => {
                clean.push('[');
                rest = &bracket[1..];
            }
        }
    }
    clean.push_str(rest);
    clean
}

fn in_code(before: &str) -> bool {
    before.matches('`').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::vocabulary::{DocumentId, PassageId};

    fn sentence(source: usize, text: &str, paragraph: usize) -> Candidate {
        Candidate { source, piece: Piece::Sentence { text: text.into(), paragraph } }
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
    fn a_run_stands_under_what_it_is_about() {
        let sources = [source("Console", &["Class", "`console.group([...label])`"]), source("Eggs", &[])];
        let runs = [vec![sentence(0, "Increases indentation.", 1)], vec![sentence(1, "Boil the egg.", 1)]];
        assert_eq!(
            compose(&runs, &sources).text,
            "**Console › `console.group([...label])`**\n\nIncreases indentation. [1]\n\nBoil the egg. [2]"
        );
    }

    #[test]
    fn what_is_about_the_same_is_named_once() {
        let sources = [source("Files", &["Open"]), source("Files", &["Open"])];
        let runs = [vec![sentence(0, "First.", 1)], vec![sentence(1, "Second.", 1)]];
        assert_eq!(compose(&runs, &sources).text, "**Files › Open**\n\nFirst. [1]\n\nSecond. [2]");
    }

    #[test]
    fn each_run_ends_with_its_sources_number() {
        let code = Candidate { source: 0, piece: Piece::Code { text: "x".into(), language: "rust".into() } };
        let runs = [
            vec![sentence(2, "First.", 1), sentence(2, "Second.", 1)],
            vec![sentence(0, "Look:", 1), code],
            vec![sentence(2, "Third.", 3)],
        ];
        let quotation = compose(&runs, &[untitled(), untitled(), untitled()]);
        assert_eq!(quotation.text, "First. Second. [3]\n\nLook: [1]\n\n```rust\nx\n```\n\nThird. [3]");
        assert_eq!(quotation.cited, [3, 1]);
    }

    #[test]
    fn a_sources_own_marks_are_not_citations() {
        assert_eq!(unmarked("See [7] and `v[0]` and [x] ["), "See (7) and `v[0]` and [x] [");
    }
}
