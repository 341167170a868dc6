//! Chooses the pieces of the sources that answer the question, with the neighbours they need to be understood.

use std::collections::BTreeSet;

use crate::embed::{Vector, cosine};
use crate::readable::{Piece, pieces};
use crate::retrieve::Source;
use crate::sparse::SparseVector;

/// Sources that are read sentence by sentence; the others fit less.
const SOURCES_READ: usize = 5;
/// Pieces compared with the question.
const PIECES_READ: usize = 80;
/// Pieces chosen for themselves.
const CHOSEN: usize = 4;
/// Words after which nothing more is chosen.
const ENOUGH_WORDS: usize = 130;
/// What is chosen fits at least this share as well as the best does.
const WORTH_OF_BEST: f32 = 0.8;
/// Below this cosine between the question and the best piece, nothing answers.
const ANSWERS: f32 = 0.35;
/// Pieces closer than this say the same.
const SAME: f32 = 0.92;
/// What having all of the question's terms adds, in units of cosine.
const TERMS_WEIGHT: f32 = 0.2;
/// How much a piece gains from the fit of its passage …
const PASSAGE_WEIGHT: f32 = 0.4;
/// … and of its better neighbour.
const NEIGHBOUR_WEIGHT: f32 = 0.15;
/// Items of a list that follow the sentence announcing them.
const ITEMS: usize = 6;
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
    /// The piece's place in the source.
    pub(super) at: usize,
    pub(super) piece: Piece,
}

/// Chosen pieces that stand together in a source, in its order.
pub(super) type Run = Vec<Candidate>;

/// The pieces to compare with the question.
pub(super) fn candidates(sources: &[Source]) -> Vec<Candidate> {
    let of_source = |(source, found): (usize, &Source)| {
        let pieces = pieces(&found.passage.text).into_iter().enumerate();
        pieces
            .map(move |(at, piece)| Candidate { source, at, piece })
            .collect::<Vec<_>>()
    };
    sources
        .iter()
        .take(SOURCES_READ)
        .enumerate()
        .flat_map(of_source)
        .take(PIECES_READ)
        .collect()
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
    let cosines: Vec<f32> = vectors.iter().map(|vector| cosine(asked, vector)).collect();
    if cosines.iter().copied().fold(f32::MIN, f32::max) < ANSWERS {
        return Vec::new();
    }
    let scores = scores(question, sources, candidates, &cosines);
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    let least = order.first().map_or(0.0, |best| scores[*best] * WORTH_OF_BEST);
    let mut chosen: Vec<usize> = Vec::new();
    let mut quoted: BTreeSet<usize> = BTreeSet::new();
    let mut words = 0;
    for index in order {
        if chosen.len() == CHOSEN || scores[index] < least || words >= ENOUGH_WORDS {
            break;
        }
        let repeats = quoted
            .iter()
            .any(|other| cosine(&vectors[*other], &vectors[index]) > SAME);
        if quoted.contains(&index) || repeats || !can_lead(&candidates[index].piece) {
            continue;
        }
        chosen.push(index);
        for neighbour in with_neighbours(candidates, index) {
            if quoted.insert(neighbour) {
                words += candidates[neighbour].piece.text().split_whitespace().count();
            }
        }
    }
    runs(candidates, &chosen, &quoted)
}

/// A question or a lone word answers nothing.
fn can_lead(piece: &Piece) -> bool {
    match piece {
        Piece::Sentence { text, .. } => !text.ends_with('?') && text.split_whitespace().count() > 3,
        Piece::Item(_) => true,
        Piece::Code { text, .. } => text.lines().count() <= CODE_LINES,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a question has few terms")]
fn scores(question: &str, sources: &[Source], candidates: &[Candidate], cosines: &[f32]) -> Vec<f32> {
    let asked: BTreeSet<u32> = SparseVector::of_query(question).indices.into_iter().collect();
    let own = candidates.iter().zip(cosines).map(|(candidate, cosine)| {
        let said = SparseVector::of_query(candidate.piece.text());
        let shared = said.indices.iter().filter(|term| asked.contains(term)).count();
        cosine + TERMS_WEIGHT * shared as f32 / asked.len().max(1) as f32
    });
    let own: Vec<f32> = own.collect();
    (0..candidates.len())
        .map(|index| {
            let beside = |other: Option<usize>| {
                other
                    .filter(|other| {
                        candidates
                            .get(*other)
                            .is_some_and(|c| c.source == candidates[index].source)
                    })
                    .map_or(0.0, |other| own[other].max(0.0))
            };
            let neighbour = beside(index.checked_sub(1)).max(beside(Some(index + 1)));
            own[index]
                + PASSAGE_WEIGHT * sources[candidates[index].source].score
                + NEIGHBOUR_WEIGHT * neighbour
        })
        .collect()
}

/// The piece and what is needed to understand it.
fn with_neighbours(candidates: &[Candidate], index: usize) -> Vec<usize> {
    let source = candidates[index].source;
    let of_source = |at: &usize| {
        candidates
            .get(*at)
            .is_some_and(|candidate| candidate.source == source)
    };
    let mut together = vec![index];
    match &candidates[index].piece {
        Piece::Sentence { .. } => {
            together.extend(before(candidates, index).filter(of_source));
            together.extend(announced(candidates, index));
            together.extend(
                Some(index + 1)
                    .filter(of_source)
                    .filter(|next| same_paragraph(candidates, index, *next)),
            );
        }
        Piece::Item(_) | Piece::Code { .. } => {
            let lead = (0..index)
                .rev()
                .take(ITEMS)
                .take_while(of_source)
                .find(|at| matches!(candidates[*at].piece, Piece::Sentence { .. }));
            together.extend(lead.filter(|at| announces(&candidates[*at].piece)));
        }
    }
    together.sort_unstable();
    together.dedup();
    together
}

/// The sentence before one that leans on it.
fn before(candidates: &[Candidate], index: usize) -> impl Iterator<Item = usize> {
    let first = candidates[index]
        .piece
        .text()
        .split(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default();
    let leans = LEANING.contains(&first.to_lowercase().as_str());
    index
        .checked_sub(1)
        .filter(|previous| leans && same_paragraph(candidates, index, *previous))
        .into_iter()
}

/// The list or code a sentence announces with its colon.
fn announced(candidates: &[Candidate], index: usize) -> Vec<usize> {
    if !announces(&candidates[index].piece) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (at, next) in candidates.iter().enumerate().skip(index + 1).take(ITEMS) {
        match &next.piece {
            _ if next.source != candidates[index].source => break,
            Piece::Code { text, .. } if found.is_empty() && text.lines().count() <= CODE_LINES => {
                return vec![at];
            }
            Piece::Sentence { .. } | Piece::Code { .. } => break,
            Piece::Item(_) => found.push(at),
        }
    }
    found
}

fn announces(piece: &Piece) -> bool {
    piece.text().ends_with(':')
}

fn same_paragraph(candidates: &[Candidate], a: usize, b: usize) -> bool {
    match (candidates.get(a), candidates.get(b)) {
        (Some(a), Some(b)) if a.source == b.source => match (&a.piece, &b.piece) {
            (Piece::Sentence { paragraph: a, .. }, Piece::Sentence { paragraph: b, .. }) => a == b,
            _ => false,
        },
        _ => false,
    }
}

/// Quoted pieces that follow each other, in the order of the best of them.
fn runs(candidates: &[Candidate], chosen: &[usize], quoted: &BTreeSet<usize>) -> Vec<Run> {
    let mut runs: Vec<Vec<usize>> = Vec::new();
    for &index in quoted {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| follows(candidates, *last, index)) => run.push(index),
            _ => runs.push(vec![index]),
        }
    }
    let source_of = |run: &[usize]| candidates[run[0]].source;
    let best_of_source = |source: usize| {
        chosen
            .iter()
            .position(|index| candidates[*index].source == source)
    };
    runs.sort_by_key(|run| (best_of_source(source_of(run)), run[0]));
    runs.into_iter()
        .map(|run| run.into_iter().map(|index| candidates[index].clone()).collect())
        .collect()
}

fn follows(candidates: &[Candidate], last: usize, next: usize) -> bool {
    candidates[last].source == candidates[next].source && candidates[last].at + 1 == candidates[next].at
}
