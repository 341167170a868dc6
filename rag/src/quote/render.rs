//! Renders excerpts as Markdown. Each excerpt stands under a caption of its title and heading and ends with
//! the number of its source.

use std::collections::BTreeSet;

use super::Quotation;
use super::candidates::Candidate;
use super::place;
use super::select::Excerpt;
use crate::cite::Citation;
use crate::markdown::Segment;
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
        if !cited.iter().any(|citation: &Citation| citation.number == number) {
            cited.push(place::citation(number, source, excerpt));
        }
        let caption = caption(&source.passage);
        if caption != previous_caption && adds_words(&caption, excerpt) {
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

/// Whether the caption has a word that the excerpt does not have.
fn adds_words(caption: &str, excerpt: &Excerpt) -> bool {
    let terms = |text: &str| words::of_passage(text, None);
    let quoted: BTreeSet<String> = excerpt
        .iter()
        .skip_while(|candidate| is_caption(candidate))
        .flat_map(|c| terms(c.segment.text()))
        .collect();
    terms(caption).iter().any(|term| !quoted.contains(term))
}

/// Whether a segment is the heading above the source, which the caption shows.
fn is_caption(candidate: &Candidate) -> bool {
    matches!(candidate.segment, Segment::Heading(_))
}

/// Renders one excerpt. The number of its source follows the last segment that is neither code nor a table.
fn render_excerpt(excerpt: &Excerpt, number: u32) -> String {
    let takes_citation = |candidate: &Candidate| {
        !matches!(candidate.segment, Segment::Code { .. } | Segment::Row { .. } | Segment::Heading(_))
    };
    let cited_segment = excerpt.iter().rposition(takes_citation);
    let citation = format!("[{number}]");
    let mut text = String::new();
    let mut previous: Option<&Segment> = None;
    // The heading above the source stands in the caption.
    let is_caption = |index: usize| index == 0 && excerpt.len() > 1 && is_caption(&excerpt[0]);
    for (index, Candidate { segment, .. }) in excerpt.iter().enumerate() {
        if is_caption(index) {
            continue;
        }
        text.push_str(separator(previous, segment));
        match segment {
            Segment::Sentence { text: sentence, .. } => text.push_str(&without_citations(sentence)),
            Segment::Item(item) => {
                text.push_str("- ");
                text.push_str(&without_citations(item));
            }
            Segment::Heading(heading) => text.extend(["**", &without_citations(heading), "**"]),
            Segment::Row { header, cells, table, .. } => {
                if !matches!(previous, Some(Segment::Row { table: other, .. }) if other == table) {
                    text.push_str(&table_head(header));
                }
                text.push_str(&table_row(cells));
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
        (Some(Segment::Sentence { text, paragraph: a }), Segment::Sentence { paragraph: b, .. })
            if a == b =>
        {
            if text.chars().next_back().is_some_and(words::is_wide) {
                ""
            } else if words::ends_a_statement(text) || words::is_question(text) {
                " "
            } else {
                // A line that stands for itself.
                "\\\n"
            }
        }
        (Some(Segment::Item(_)), Segment::Item(_)) => "\n",
        (Some(Segment::Row { table: a, .. }), Segment::Row { table: b, .. }) if a == b => "\n",
        _ => "\n\n",
    }
}

fn table_head(header: &[String]) -> String {
    format!("{}\n|{}\n", table_row(header), "---|".repeat(header.len()))
}

fn table_row(cells: &[String]) -> String {
    let cells = cells.iter().map(|cell| without_citations(cell).replace('|', "\\|"));
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
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
            passage: PassageText { title: title.into(), heading, ..PassageText::default() },
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
        let numbers: Vec<u32> = quotation.cited.iter().map(|citation| citation.number).collect();
        assert_eq!(numbers, [3, 1]);
    }

    #[test]
    fn a_row_stands_below_the_names_of_its_columns() {
        let row = |cells: [&str; 2]| Candidate {
            source: 0,
            segment: Segment::Row {
                text: String::new(),
                header: vec!["Part".into(), "Weight".into()],
                cells: cells.map(str::to_owned).to_vec(),
                table: 1,
                row: 1,
            },
        };
        let text = |excerpt| render(&[excerpt], &[untitled()]).text;
        let table = "| Part | Weight |\n|---|---|\n| A\\|7 | 3 g |";
        assert_eq!(text(vec![row(["A|7", "3 g"])]), format!("{table}\n\n[1]"));
        let both = vec![sentence(0, "The parts:", 1), row(["A|7", "3 g"]), row(["B", "4 g"])];
        assert_eq!(text(both), format!("The parts: [1]\n\n{table}\n| B | 4 g |"));
    }

    #[test]
    fn chinese_sentences_have_no_space_between_them() {
        let excerpt = vec![sentence(0, "九点开门。", 1), sentence(0, "周日休息。", 1)];
        assert_eq!(render(&[excerpt], &[untitled()]).text, "九点开门。周日休息。 [1]");
    }

    #[test]
    fn numbers_in_the_brackets_of_a_source_are_no_citations() {
        assert_eq!(without_citations("See [7] and `v[0]` and [x] ["), "See (7) and `v[0]` and [x] [");
    }
}
