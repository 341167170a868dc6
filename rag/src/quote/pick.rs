//! Chooses the stretches of the sources that answer the question: around the piece that fits best, as much as is needed
//! to understand it and as fits into an answer.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::embed::{Vector, cosine};
use crate::readable::{Piece, pieces};
use crate::sparse::SparseVector;
use crate::vocabulary::Source;

/// Sources that are read piece by piece; the others fit less.
const SOURCES_READ: usize = 5;
/// Pieces compared with the question.
const PIECES_READ: usize = 80;
/// About how many words the best stretch may have, the next, and so on.
const WORDS: [usize; 4] = [200, 120, 80, 60];
/// A further stretch fits at least this share as well as the best does.
const WORTH_OF_BEST: f32 = 0.75;
/// In any but the best stretch, a neighbour from another paragraph joins when it fits this share as well as the lead does.
const WORTH_OF_PIECE: f32 = 0.5;
/// Below this, cosine and terms together, nothing answers.
const ANSWERS: f32 = 0.45;
/// Pieces with a greater cosine say the same.
const SAME: f32 = 0.92;
/// What having all of the question's terms adds, in units of cosine.
const TERMS_WEIGHT: f32 = 0.2;
/// Longer code is not quoted.
const CODE_LINES: usize = 20;

/// How a sentence begins that needs the one before it.
const LEANING: [&str; 24] = [
    "also",
    "and",
    "because",
    "but",
    "finally",
    "he",
    "here",
    "however",
    "instead",
    "it",
    "its",
    "next",
    "otherwise",
    "she",
    "similarly",
    "so",
    "such",
    "that",
    "then",
    "therefore",
    "these",
    "they",
    "this",
    "those",
];

/// A piece of a source.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// The source's place in the list, from 0.
    pub(super) source: usize,
    pub(super) piece: Piece,
}

/// Pieces that follow each other in a source.
pub(super) type Run = Vec<Candidate>;

/// The pieces to compare with the question.
pub(super) fn candidates(sources: &[Source]) -> Vec<Candidate> {
    let of_source = |(source, found): (usize, &Source)| {
        pieces(&found.passage.text).into_iter().map(move |piece| Candidate { source, piece })
    };
    sources.iter().take(SOURCES_READ).enumerate().flat_map(of_source).take(PIECES_READ).collect()
}

/// The runs to quote, the best first; none when nothing answers. The first vector is the question's, the others the
/// candidates'.
pub(super) fn pick(
    question: &str,
    sources: &[Source],
    candidates: &[Candidate],
    vectors: &[Vector],
) -> Vec<Run> {
    let Some((asked, vectors)) = vectors.split_first() else {
        return Vec::new();
    };
    let fits = fits(question, asked, candidates, vectors);
    if fits.iter().copied().fold(f32::MIN, f32::max) < ANSWERS {
        return Vec::new();
    }
    let mut leads = leads(candidates, &fits);
    let worth = |lead: usize| fits[lead] + sources[candidates[lead].source].relevance;
    let least = leads.iter().map(|lead| worth(*lead)).fold(0.0, f32::max) * WORTH_OF_BEST;
    // Which passage answers best, retrieval knows better than a single sentence does.
    let score = |lead: usize| sources[candidates[lead].source].score;
    leads.sort_by(|a, b| score(*b).total_cmp(&score(*a)).then(a.cmp(b)));
    let mut quoted: Vec<usize> = Vec::new();
    let mut runs = Vec::new();
    let best = leads.first().copied();
    for lead in leads.into_iter().filter(|lead| Some(*lead) == best || worth(*lead) >= least) {
        let Some(most) = WORDS.get(runs.len()) else { break };
        if quoted.iter().any(|other| cosine(&vectors[*other], &vectors[lead]) > SAME) {
            continue;
        }
        let stretch = Stretch { candidates, fits: &fits, best: runs.is_empty() };
        let run = stretch.around(lead, *most);
        quoted.extend(run.clone());
        runs.push(run.map(|index| candidates[index].clone()).collect());
    }
    runs
}

/// How well each piece fits the question: the cosine, and the share of the question's terms.
#[expect(clippy::cast_precision_loss, reason = "a question has few terms")]
fn fits(question: &str, asked: &[f32], candidates: &[Candidate], vectors: &[Vector]) -> Vec<f32> {
    let terms: BTreeSet<u32> = SparseVector::of_query(question).indices.into_iter().collect();
    let fit = |(candidate, vector): (&Candidate, &Vector)| {
        let said = SparseVector::of_query(candidate.piece.text());
        let shared = said.indices.iter().filter(|term| terms.contains(term)).count();
        cosine(asked, vector) + TERMS_WEIGHT * shared as f32 / terms.len().max(1) as f32
    };
    candidates.iter().zip(vectors).map(fit).collect()
}

/// The piece of each source that fits best.
fn leads(candidates: &[Candidate], fits: &[f32]) -> Vec<usize> {
    let mut leads: Vec<usize> = Vec::new();
    for index in (0..candidates.len()).filter(|index| can_lead(&candidates[*index].piece)) {
        match leads.last_mut() {
            Some(lead) if candidates[*lead].source == candidates[index].source => {
                if fits[index] > fits[*lead] {
                    *lead = index;
                }
            }
            _ => leads.push(index),
        }
    }
    leads
}

/// A question, a caption or a lone word answers nothing.
fn can_lead(piece: &Piece) -> bool {
    match piece {
        Piece::Sentence { text, .. } => text.split_whitespace().count() > 3 && ends_as_statement(text),
        Piece::Item(_) => true,
        Piece::Code { .. } => can_be_quoted(piece),
    }
}

fn ends_as_statement(text: &str) -> bool {
    text.ends_with(['.', '!', ':', ';', '…', '。', '！', ')', '"', '”', '`'])
}

fn can_be_quoted(piece: &Piece) -> bool {
    !matches!(piece, Piece::Code { text, .. } if text.lines().count() > CODE_LINES)
}

/// Grows around a piece, within its source.
struct Stretch<'a> {
    candidates: &'a [Candidate],
    fits: &'a [f32],
    /// It is the best one: its passage may speak until there are enough words.
    best: bool,
}

impl Stretch<'_> {
    /// The pieces around this one up to about so many words: first what is needed to understand it, then on the side
    /// that fits better.
    fn around(&self, lead: usize, most: usize) -> RangeInclusive<usize> {
        let (mut first, mut last) = (lead, lead);
        let mut words = self.words(lead);
        while words < most {
            let before = first.checked_sub(1).filter(|before| self.joins(*before, first, lead));
            let after = Some(last + 1).filter(|after| self.joins(*after, last, lead));
            let next = match (before, after) {
                (Some(before), _) if self.leans(first) => before,
                (_, Some(after)) if self.announces(last) => after,
                (Some(before), Some(after)) if self.fits[before] > self.fits[after] => before,
                (_, Some(after)) => after,
                (Some(before), None) => before,
                (None, None) => break,
            };
            words += self.words(next);
            (first, last) = (first.min(next), last.max(next));
        }
        while last > lead && self.announces(last) {
            last -= 1;
        }
        first..=last
    }

    /// Whether a piece can be read together with the one beside it.
    fn joins(&self, next: usize, beside: usize, lead: usize) -> bool {
        let (Some(new), Some(old)) = (self.candidates.get(next), self.candidates.get(beside)) else {
            return false;
        };
        let same_block = match (&new.piece, &old.piece) {
            (Piece::Sentence { paragraph: new, .. }, Piece::Sentence { paragraph: old, .. }) => new == old,
            (Piece::Item(_), Piece::Item(_)) => true,
            _ => next.min(beside) < next && self.announces(beside) || next < beside && self.announces(next),
        };
        new.source == old.source
            && can_be_quoted(&new.piece)
            && (self.best || same_block || self.fits[next] >= WORTH_OF_PIECE * self.fits[lead])
    }

    fn words(&self, index: usize) -> usize {
        self.candidates[index].piece.text().split_whitespace().count()
    }

    /// Whether it begins in a way that needs the piece before.
    fn leans(&self, index: usize) -> bool {
        let text = self.candidates[index].piece.text();
        let first = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
        LEANING.contains(&first.as_str())
    }

    /// Whether it ends in a colon: what it announces comes next.
    fn announces(&self, index: usize) -> bool {
        self.candidates[index].piece.text().ends_with(':')
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::vocabulary::{DocumentId, PassageId, PassageText};

    fn source(text: &str, score: f32) -> Source {
        Source {
            id: PassageId { document_id: DocumentId::from(Uuid::nil()), ordinal: 0 },
            passage: PassageText { title: String::new(), heading: vec![], text: text.into() },
            score,
            relevance: score,
            merged: 0,
        }
    }

    /// Picks with a space of two dimensions: a piece that holds `yes` fits, any other hardly does.
    fn picked(sources: &[Source]) -> Vec<String> {
        let candidates = candidates(sources);
        let mut vectors = vec![vec![1.0, 0.0]];
        vectors.extend(candidates.iter().enumerate().map(|(at, candidate)| {
            let fit: f32 = if candidate.piece.text().contains("yes") { 0.8 } else { 0.1 };
            let side = (1.0 - fit * fit).sqrt();
            vec![fit, if at % 2 == 0 { side } else { -side }]
        }));
        let runs = pick("zzz", sources, &candidates, &vectors);
        runs.iter().map(|run| run.iter().map(|c| c.piece.text()).collect::<Vec<_>>().join("|")).collect()
    }

    #[test]
    fn the_sentence_that_fits_comes_with_what_stands_around_it() {
        let text = "A first one. And yes it is so. It ends.";
        assert_eq!(picked(&[source(text, 0.5)]), ["A first one.|And yes it is so.|It ends."]);
    }

    #[test]
    fn an_announcement_comes_with_what_it_announces() {
        let text = "We say yes to all these:\n\n- one\n- two\n\nThe end of it all.";
        assert_eq!(picked(&[source(text, 0.5)]), ["We say yes to all these:|one|two|The end of it all."]);
        assert_eq!(
            picked(&[source("Say yes to it all. Something follows here:", 0.5)]),
            ["Say yes to it all."]
        );
    }

    #[test]
    fn the_better_source_comes_first_and_a_poor_one_not_at_all() {
        let sources = [
            source("Truly yes it is.", 0.5),
            source("Rather yes it may be.", 0.6),
            source("No, never at all.", 0.3),
        ];
        assert_eq!(picked(&sources), ["Rather yes it may be.", "Truly yes it is."]);
    }

    #[test]
    fn nothing_is_picked_when_nothing_fits() {
        assert!(picked(&[source("A thing that is about something else.", 0.9)]).is_empty());
        assert!(picked(&[]).is_empty());
    }

    #[test]
    fn long_code_is_not_quoted() {
        let text = format!("Look, yes it is this:\n\n```\n{}\n```\n", "line\n".repeat(30));
        assert_eq!(picked(&[source(&text, 0.5)]), ["Look, yes it is this:"]);
    }
}
