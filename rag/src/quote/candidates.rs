//! The parts of the sources that may be quoted, and which of them are compared with the question by meaning.

use std::collections::BTreeSet;

use words::{Language, QuestionTerm};

use super::definition;
use crate::embed::Vector;
use crate::markdown::{Segment, segments};
use crate::vocabulary::{PassageText, Source};

/// Sources that are searched for segments.
const MAX_SOURCES: usize = 10;
/// Segments that are looked at.
const MAX_SEGMENTS: usize = 320;
/// Segments that are embedded where the index has no vectors: the costly part of a quotation.
const MAX_EMBEDDED: usize = 12;
/// Sources from which these are taken.
const MAX_EMBEDDED_SOURCES: usize = 5;
/// The weight of a source's score beside the share of terms, when segments are chosen for comparison.
const SOURCE_WEIGHT: f32 = 1.0;
/// What a place further down in its source costs, when segments are chosen for comparison.
const PLACE_PENALTY: f32 = 0.01;
/// The weight of a definition of the subject of the question, when segments are chosen for comparison. It stands
/// for half of the question's terms, because a definition seldom repeats more.
const DEFINITION_PROMISE: f32 = 0.5;
/// The longest code that is quoted.
const MAX_CODE_LINES: usize = 20;
/// The shortest segment without a digit that can answer a question, in words.
const MIN_WORDS: usize = 2;
/// The longest text of a segment that is compared by meaning, in characters.
const MAX_COMPARED_CHARS: usize = 480;

/// A segment of a source.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// The position of the source in the list, from 0.
    pub(super) source: usize,
    pub(super) segment: Segment,
}

/// Returns the segments of the sources, in order. The heading above a source is its first segment.
pub(super) fn candidates(sources: &[Source]) -> Vec<Candidate> {
    let of_source = |(source, found): (usize, &Source)| {
        let heading = found.passage.heading.last().cloned().map(Segment::Heading);
        let segments = heading.into_iter().chain(segments(&found.passage.text));
        segments.map(move |segment| Candidate { source, segment })
    };
    sources.iter().take(MAX_SOURCES).enumerate().flat_map(of_source).take(MAX_SEGMENTS).collect()
}

/// The share of the question's terms that each segment has, from 0 to 1. A term that few segments have counts
/// more. `languages` are those of the sources.
#[expect(clippy::cast_precision_loss, reason = "there are few segments")]
pub(super) fn shares(
    terms: &[QuestionTerm],
    languages: &[Option<Language>],
    candidates: &[Candidate],
) -> Vec<f32> {
    let has: Vec<Vec<f32>> = candidates
        .iter()
        .map(|candidate| {
            let language = languages.get(candidate.source).copied().flatten();
            let found = words::of_passage(candidate.segment.text(), language).into_iter().collect();
            terms.iter().map(|term| term.weight_in(&found)).collect()
        })
        .collect();
    let rarity: Vec<f32> = (0..terms.len())
        .map(|term| {
            let with = has.iter().filter(|weights| weights[term] > 0.0).count() as f32;
            (1.0 + candidates.len() as f32 / (1.0 + with)).ln()
        })
        .collect();
    let total: f32 = rarity.iter().sum();
    let share =
        |weights: &Vec<f32>| weights.iter().zip(&rarity).map(|(has, rarity)| has * rarity).sum::<f32>();
    has.iter().map(|weights| if total > 0.0 { share(weights) / total } else { 0.0 }).collect()
}

/// Whether the question names the key of each row, which is its first cell with text: all of its words.
pub(super) fn keyed(
    terms: &[QuestionTerm],
    languages: &[Option<Language>],
    candidates: &[Candidate],
) -> Vec<bool> {
    let forms = terms.iter().flat_map(|term| &term.forms);
    let asked: BTreeSet<&str> =
        forms.filter(|(_, weight)| *weight >= 1.0).map(|(form, _)| form.as_str()).collect();
    let is_keyed = |candidate: &Candidate| {
        let Segment::Row { cells, .. } = &candidate.segment else { return false };
        let key = cells.iter().find(|cell| !cell.trim().is_empty()).map_or("", String::as_str);
        let language = languages.get(candidate.source).copied().flatten();
        let words = words::of_passage(key, language);
        // A number alone may be an amount of something else.
        key.chars().any(char::is_alphabetic)
            && !words.is_empty()
            && words.iter().all(|word| asked.contains(word.as_str()))
    };
    candidates.iter().map(is_keyed).collect()
}

/// Whether each segment is a sentence that defines what the question asks for.
pub(super) fn defining(question: &str, sources: &[Source], candidates: &[Candidate]) -> Vec<bool> {
    let Some(subject) = definition::subject(question) else { return vec![false; candidates.len()] };
    // The source of the last segment that is no heading.
    let mut last = None;
    let defines = |candidate: &Candidate| {
        let is_first = last != Some(candidate.source);
        match &candidate.segment {
            Segment::Heading(_) => return false,
            _ => last = Some(candidate.source),
        }
        match &candidate.segment {
            Segment::Sentence { text, .. } | Segment::Item(text) => {
                let PassageText { title, heading, .. } = &sources[candidate.source].passage;
                let name = heading.last().unwrap_or(title);
                definition::defines(&subject, text, is_first.then_some(name))
            }
            _ => false,
        }
    };
    candidates.iter().map(defines).collect()
}

/// The vectors of the segments from the index; `None` if a source has none, as those of earlier releases.
pub(super) fn stored_vectors(sources: &[Source], candidates: &[Candidate]) -> Option<Vec<Option<Vector>>> {
    let have_vectors = sources.iter().take(MAX_SOURCES).all(|source| !source.passage.vectors.is_empty());
    let vector =
        |candidate: &Candidate| sources[candidate.source].passage.vectors.get(candidate.segment.text());
    have_vectors.then(|| candidates.iter().map(vector).collect())
}

/// Returns the positions of the segments to embed, in order.
#[expect(clippy::cast_precision_loss, reason = "there are few segments")]
pub(super) fn preselect(
    sources: &[Source],
    candidates: &[Candidate],
    shares: &[f32],
    defining: &[bool],
) -> Vec<usize> {
    let best = sources.iter().map(|source| source.score).fold(f32::MIN_POSITIVE, f32::max);
    let first_of = |index: usize| {
        candidates.iter().position(|other| other.source == candidates[index].source).unwrap_or(index)
    };
    let promise = |index: usize| {
        let place = (index - first_of(index)) as f32;
        let of_source = sources[candidates[index].source].score / best;
        let definition = if defining[index] { DEFINITION_PROMISE } else { 0.0 };
        shares[index] + definition + SOURCE_WEIGHT * of_source - PLACE_PENALTY * place
    };
    let mut chosen: Vec<usize> =
        (0..candidates.len()).filter(|index| can_be_embedded(&candidates[*index])).collect();
    chosen.sort_by(|a, b| promise(*b).total_cmp(&promise(*a)).then(a.cmp(b)));
    chosen.truncate(MAX_EMBEDDED);
    chosen.sort_unstable();
    chosen
}

fn can_be_embedded(candidate: &Candidate) -> bool {
    candidate.source < MAX_EMBEDDED_SOURCES && can_be_anchor(&candidate.segment)
}

/// The text of a segment below its heading, for comparison.
pub(super) fn in_context(candidate: &Candidate, source: &Source) -> String {
    let text: String = candidate.segment.text().chars().take(MAX_COMPARED_CHARS).collect();
    match source.passage.heading.last() {
        Some(heading) if !matches!(candidate.segment, Segment::Heading(_)) => format!("{heading}\n{text}"),
        _ => text,
    }
}

/// Whether a segment can answer a question. A question or a single word cannot.
pub(super) fn can_be_anchor(segment: &Segment) -> bool {
    let text = segment.text();
    match segment {
        Segment::Sentence { .. } => !words::is_question(text) && says_something(text),
        Segment::Heading(_) => !words::is_question(text) && words::length(text) > MIN_WORDS,
        Segment::Item(_) | Segment::Row { .. } => true,
        Segment::Code { .. } => can_be_quoted(segment),
    }
}

fn says_something(text: &str) -> bool {
    words::length(text) >= MIN_WORDS || text.chars().any(char::is_numeric)
}

pub(super) fn can_be_quoted(segment: &Segment) -> bool {
    !matches!(segment, Segment::Code { text, .. } if text.lines().count() > MAX_CODE_LINES)
}
