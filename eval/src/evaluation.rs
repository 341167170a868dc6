//! Evaluates each question with dense search, BM25, fusion, quotation, and the language model.

use anyhow::Context as _;
use rag::sparse::SparseVector;
use rag::vocabulary::{OwnerId, PassageId};
use uuid::Uuid;

use crate::answers::{self, Answer};
use crate::documents::is_same_file;
use crate::engine::{Corpus, Engine};
use crate::metrics::RankingMetrics;
use crate::questions::Question;
use crate::timings::Timings;

/// Passages of one search, from which the documents are ranked.
const PASSAGES_PER_SEARCH: u64 = 100;

/// The results of all questions.
pub(crate) struct Evaluation {
    pub(crate) results: Vec<QuestionResult>,
    pub(crate) timings: StageTimings,
}

/// The rankings and answers of one question.
pub(crate) struct QuestionResult {
    pub(crate) question: Question,
    pub(crate) dense: Ranking,
    pub(crate) bm25: Ranking,
    pub(crate) fused: Ranking,
    pub(crate) quoted: Answer,
    /// `None` if no language model is configured.
    pub(crate) generated: Option<Answer>,
}

/// The documents found by one kind of search.
pub(crate) struct Ranking {
    /// The names of the documents, best first, each once.
    pub(crate) names: Vec<String>,
    pub(crate) metrics: RankingMetrics,
}

/// The durations of all stages.
#[derive(Default)]
pub(crate) struct StageTimings {
    pub(crate) embed: Timings,
    pub(crate) dense: Timings,
    pub(crate) bm25: Timings,
    pub(crate) retrieve: Timings,
    pub(crate) quote: Timings,
    pub(crate) model: Timings,
}

/// Evaluates the questions one after the other.
pub(crate) async fn evaluate(
    engine: &Engine,
    corpus: &Corpus,
    questions: &[Question],
) -> anyhow::Result<Evaluation> {
    let mut evaluation = Evaluation { results: Vec::new(), timings: StageTimings::default() };
    for question in questions {
        let result = Box::pin(evaluate_question(engine, corpus, question, &mut evaluation.timings)).await;
        let result = result.with_context(|| format!("question {} could not be evaluated", question.id))?;
        evaluation.results.push(result);
    }
    Ok(evaluation)
}

async fn evaluate_question(
    engine: &Engine,
    corpus: &Corpus,
    question: &Question,
    timings: &mut StageTimings,
) -> anyhow::Result<QuestionResult> {
    // The user owns no documents; all documents are shared.
    let (text, user) = (question.text.as_str(), OwnerId::from(Uuid::nil()));
    tracing::trace!(question.id = %question.id, "question");
    let vector = timings.embed.time(engine.embedder.embed_query(text)).await?;
    let vector = engine.embedder.distinct(vector);
    let terms = SparseVector::of_query(text);
    let dense = engine.index.search_dense(&vector, user, PASSAGES_PER_SEARCH);
    let dense = timings.dense.time(Box::pin(dense)).await?;
    let bm25 = engine.index.search_sparse(&terms, user, PASSAGES_PER_SEARCH);
    let bm25 = timings.bm25.time(Box::pin(bm25)).await?;
    let fused = timings.retrieve.time(Box::pin(engine.retriever.rank(text, &[], user))).await?;
    tracing::trace!("answer");
    let hits = engine.quoting.retrieve(text, &[], user).await?.hits;
    let sources = answers::sources(hits)?;
    let quoted = timings.quote.time(answers::answer(&engine.quoting, question, sources.clone())).await?;
    let generated = match &engine.model {
        Some(model) => Some(timings.model.time(answers::answer(model, question, sources)).await?),
        None => None,
    };
    let ranking = |found: &[PassageId]| Ranking::of(found, question, corpus);
    Ok(QuestionResult {
        dense: ranking(&dense),
        bm25: ranking(&bm25),
        fused: ranking(&fused),
        question: question.clone(),
        quoted,
        generated,
    })
}

impl Ranking {
    fn of(found: &[PassageId], question: &Question, corpus: &Corpus) -> Self {
        let mut names: Vec<String> = Vec::new();
        for name in found.iter().filter_map(|id| corpus.names.get(&id.document_id)) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let is_relevant = |name: &String| question.sources.iter().any(|source| is_same_file(name, source));
        let relevant: Vec<bool> = names.iter().map(is_relevant).collect();
        Self { metrics: RankingMetrics::of(&relevant, question.sources.len()), names }
    }
}
