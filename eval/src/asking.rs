//! Asks every question in every way: by meaning alone, by terms alone, fused, quoted, and the language model.

use anyhow::Context as _;
use rag::sparse::SparseVector;
use rag::vocabulary::{OwnerId, PassageId};
use uuid::Uuid;

use crate::answers::{self, Answer};
use crate::documents::same_file;
use crate::engine::{Engine, Library};
use crate::measures::Measures;
use crate::questions::Question;
use crate::timing::Stage;

/// Passages a search gives, of which the documents are ranked.
const DEPTH: u64 = 100;

/// The rankings and answers of one question.
pub(crate) struct Asked {
    pub(crate) question: Question,
    /// The first documents by each kind of search, best first.
    pub(crate) dense: Ranking,
    pub(crate) bm25: Ranking,
    pub(crate) fused: Ranking,
    pub(crate) quoted: Answer,
    /// Without a language model there is none.
    pub(crate) generated: Option<Answer>,
}

/// The documents found, best first, each once.
pub(crate) struct Ranking {
    pub(crate) names: Vec<String>,
    pub(crate) measures: Measures,
}

/// How long the stages took.
#[derive(Default)]
pub(crate) struct Stages {
    pub(crate) embed: Stage,
    pub(crate) dense: Stage,
    pub(crate) bm25: Stage,
    pub(crate) retrieve: Stage,
    pub(crate) quote: Stage,
    pub(crate) model: Stage,
}

/// All questions, asked one after the other.
pub(crate) struct AllAsked {
    pub(crate) each: Vec<Asked>,
    pub(crate) stages: Stages,
}

/// Asks them all.
pub(crate) async fn ask_all(
    engine: &Engine,
    library: &Library,
    questions: &[Question],
) -> anyhow::Result<AllAsked> {
    let mut all = AllAsked { each: Vec::new(), stages: Stages::default() };
    for question in questions {
        let asked = Box::pin(ask(engine, library, question, &mut all.stages)).await;
        all.each.push(asked.with_context(|| format!("ask question {}", question.id))?);
    }
    Ok(all)
}

async fn ask(
    engine: &Engine,
    library: &Library,
    question: &Question,
    stages: &mut Stages,
) -> anyhow::Result<Asked> {
    let (text, nobody) = (question.text.as_str(), OwnerId::from(Uuid::nil()));
    let vector = stages.embed.time(engine.embedder.embed_query(text)).await?;
    let terms = SparseVector::of_query(text);
    let dense = stages.dense.time(Box::pin(engine.index.by_meaning(&vector, nobody, DEPTH))).await?;
    let bm25 = stages.bm25.time(Box::pin(engine.index.by_terms(&terms, nobody, DEPTH))).await?;
    let fused = stages.retrieve.time(Box::pin(engine.retriever.rank(text, &[], nobody))).await?;
    let fused: Vec<_> = fused.iter().map(|hit| hit.id).collect();
    let hits = engine.quoting.retrieve(text, &[], nobody).await?;
    let sources = answers::open(hits)?;
    let quoted = stages.quote.time(answers::ask(&engine.quoting, question, sources.clone())).await?;
    let generated = match &engine.model {
        Some(model) => Some(stages.model.time(answers::ask(model, question, sources)).await?),
        None => None,
    };
    let ranking = |found: &[PassageId]| Ranking::of(found, question, library);
    Ok(Asked {
        dense: ranking(&dense),
        bm25: ranking(&bm25),
        fused: ranking(&fused),
        question: question.clone(),
        quoted,
        generated,
    })
}

impl Ranking {
    fn of(found: &[PassageId], question: &Question, library: &Library) -> Self {
        let mut names: Vec<String> = Vec::new();
        for name in found.iter().filter_map(|id| library.names.get(&id.document_id)) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let relevant = |name: &String| question.sources.iter().any(|source| same_file(name, source));
        let relevant: Vec<bool> = names.iter().map(relevant).collect();
        Self { measures: Measures::of(&relevant, question.sources.len()), names }
    }
}
