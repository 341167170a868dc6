//! Answers a question: retrieves passages, streams the language model's answer from them, and quotes them if
//! there is no model or it is unavailable. Records nothing; the last chunk holds what is to be recorded.

mod begun;
mod failure;
mod finished;
mod written;

use async_stream::try_stream;
use futures::{Stream, StreamExt as _, pin_mut};

use crate::cite::citations;
use crate::embed::Embedder;
use crate::error_chain::ErrorChain;
use crate::followup;
use crate::generate::{ChatModel, Meter, ModelError, Usage};
use crate::index::PassageIndex;
use crate::prompt::{self, Preferences, Prompt};
use crate::quote::{self, Quotation};
use crate::retrieve::{RetrieveError, Retrieved, Retriever, VersionLookup};
use crate::vocabulary::{Asker, Source, Turn};
pub use begun::Begun;
use failure::After;
pub use failure::AnswerError;
pub use finished::{Author, CutOff, FinishedAnswer, Provenance};
use written::Written;

/// The longest reasoning in bytes of UTF-8 that is kept. The rest of it is left out.
pub const MAX_REASONING_BYTES: usize = 64 * 1024;
/// The longest answer in bytes of UTF-8. An answer that would be longer ends there and is complete: a model
/// that ignores its limit of tokens cannot fill memory, and the event of the answer stays far below the
/// largest message of NATS.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// A part of a streamed answer.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerChunk {
    /// More of the language model's reasoning, never empty. It is not part of the text.
    Reasoning(String),
    /// More text, never empty.
    Delta(String),
    /// All text and reasoning so far is void, and the answer begins anew.
    Void,
    /// The same, and the answer is a quotation in place of the language model's.
    Quotation,
    /// The end of the answer. Nothing follows.
    Finished(Box<FinishedAnswer>),
}

impl AnswerChunk {
    /// Adds the tokens of earlier requests for the same answer to those of a finished answer.
    fn with_earlier(self, earlier: Usage) -> Self {
        match self {
            Self::Finished(mut finished) => {
                let usage = &mut finished.usage;
                usage.prompt_tokens = usage.prompt_tokens.saturating_add(earlier.prompt_tokens);
                usage.completion_tokens = usage.completion_tokens.saturating_add(earlier.completion_tokens);
                Self::Finished(finished)
            }
            chunk => chunk,
        }
    }
}

/// Answers questions from one collection.
#[derive(Clone)]
pub struct Answerer {
    retriever: Retriever,
    embedder: Embedder,
    index_version: String,
    model: Option<ChatModel>,
    preferences: Preferences,
    meter: Meter,
    begun: Option<Begun>,
}

impl Answerer {
    /// Searches this collection and answers with this language model, or by quotation without one.
    pub fn new(embedder: Embedder, index: PassageIndex, model: Option<ChatModel>) -> Self {
        let index_version = index.collection().to_owned();
        let retriever = Retriever::new(embedder.clone(), index);
        Self {
            retriever,
            embedder,
            index_version,
            model,
            preferences: Preferences::default(),
            meter: Meter::default(),
            begun: None,
        }
    }

    /// Limits retrieval to the current version of each document.
    #[must_use]
    pub fn with_versions(self, versions: VersionLookup) -> Self {
        Self { retriever: self.retriever.with_versions(versions), ..self }
    }

    /// Counts the tokens of the language model on this meter, also those of attempts that fail or are dropped.
    #[must_use]
    pub fn with_meter(self, meter: Meter) -> Self {
        let model = self.model.map(|model| model.metered(meter.clone()));
        Self { model, meter, ..self }
    }

    /// Has the language model write answers like this.
    #[must_use]
    pub fn with_preferences(self, preferences: Preferences) -> Self {
        Self { preferences, ..self }
    }

    /// Has the language model continue the text of an earlier attempt. The answer then begins with that text, and
    /// its deltas follow; [`AnswerChunk::Void`] tells that the model does not, and the answer starts over.
    #[must_use]
    pub fn with_begun(self, begun: Option<Begun>) -> Self {
        Self { begun, ..self }
    }

    /// Returns the passages to answer from, best first, none if no passage is relevant; and what each search
    /// found. The owner's own passages are still encrypted. The language model rewrites a follow-up question;
    /// without its help the question is searched with the one before it.
    pub async fn retrieve(
        &self,
        question: &str,
        history: &[Turn],
        asker: impl Into<Asker>,
    ) -> Result<Retrieved, RetrieveError> {
        let asker = asker.into();
        if let Some(model) = &self.model
            && !history.is_empty()
            && followup::is_followup(question)
            && let Some(rewritten) = followup::rewrite(model, question, history).await
        {
            let retrieved = self.retriever.retrieve(&rewritten, &[], asker.clone()).await?;
            if !retrieved.hits.is_empty() {
                return Ok(retrieved);
            }
        }
        self.retriever.retrieve(question, history, asker).await
    }

    /// Streams the answer. The number of a source is its position in the list, from 1. Dropping the stream
    /// ends the work.
    ///
    /// A model that fails before its first text, or writes none, is replaced by quotation. A model that fails
    /// later is an error, and the deltas sent before it are void. So is a text that a filter held back.
    pub fn answer(
        &self,
        question: String,
        history: Vec<Turn>,
        sources: Vec<Source>,
    ) -> impl Stream<Item = Result<AnswerChunk, AnswerError>> + Send + 'static {
        let this = self.clone();
        try_stream! {
            let has_material = !sources.is_empty() || !history.is_empty();
            let mut begun = this.begun.clone();
            if let Some(model) = this.model.clone().filter(|_| has_material) {
                let mut tokens = model.usable_tokens();
                loop {
                    let prompt = prompt::build(&question, &history, &sources, &this.preferences, tokens);
                    let continued = begun.as_ref().and_then(|begun| prompt.continued(begun.text(), tokens));
                    if continued.is_none() && begun.take().is_some() {
                        yield AnswerChunk::Void;
                    }
                    let prompt = continued.unwrap_or(prompt);
                    let mut failure = None;
                    let earlier = this.meter.total();
                    {
                        let generated = this.generate(&model, &prompt, tokens, &sources, begun.as_ref());
                        pin_mut!(generated);
                        while let Some(chunk) = generated.next().await {
                            match chunk {
                                Ok(chunk) => yield chunk.with_earlier(earlier),
                                Err(error) => failure = Some(error),
                            }
                        }
                    }
                    let Some(error) = failure else { return };
                    // A model that is now known to reason gets more tokens, once.
                    let has_more_tokens = std::mem::replace(&mut tokens, model.usable_tokens()) > tokens;
                    match After::of(&error, &sources, begun.take().is_some(), has_more_tokens) {
                        After::StartOver => yield AnswerChunk::Void,
                        After::Fail => {
                            Err(error)?;
                            return;
                        }
                        After::Quote => {
                            let error = ErrorChain(&error);
                            tracing::warn!(%error, "the language model wrote no answer, it is quoted");
                            break;
                        }
                    }
                }
            }
            if this.model.is_some() {
                yield AnswerChunk::Quotation;
            }
            let query = followup::search_query(&question, &history);
            let quoting = quote::quote(&this.embedder, &question, &query, &sources);
            let quotation = Box::pin(quoting).await?;
            for await chunk in this.stream_quotation(quotation, &sources) {
                yield chunk;
            }
        }
    }

    /// Streams the language model's answer and removes invalid citations from it.
    fn generate(
        &self,
        model: &ChatModel,
        prompt: &Prompt,
        context_tokens: u32,
        sources: &[Source],
        begun: Option<&Begun>,
    ) -> impl Stream<Item = Result<AnswerChunk, ModelError>> + Send {
        let sources = sources[..prompt.source_count.min(sources.len())].to_vec();
        let author = Author::Model {
            name: model.name().to_owned(),
            prompt_version: prompt::version(&self.preferences),
            prompt_sha256: prompt.sha256(),
            instructions: prompt::instructions_given(&self.preferences.instructions, context_tokens),
        };
        let provenance = self.provenance(&sources, author);
        let estimated_prompt = prompt.estimated_tokens;
        let events = model.stream(prompt);
        let model = model.clone();
        let mut written = Written::new(sources.len(), begun);
        try_stream! {
            for await event in events {
                for chunk in written.take(event?) {
                    yield chunk;
                }
                if written.is_repeated() {
                    model.refuse_continuation();
                    Err(ModelError::NotContinued)?;
                }
                if written.is_full() {
                    tracing::warn!("the language model's answer was cut off");
                    break;
                }
            }
            let (rest, end) = written.finish();
            if let Some(rest) = rest {
                yield rest;
            }
            let usage = Usage {
                prompt_tokens: end.usage.prompt_tokens.unwrap_or(estimated_prompt),
                completion_tokens: end.usage.completion_tokens.unwrap_or(end.estimated_tokens),
            };
            yield AnswerChunk::Finished(Box::new(FinishedAnswer {
                citations: citations(&end.numbers, &end.text, &sources),
                text: end.text,
                reasoning: end.reasoning,
                cut_off: end.cut_off,
                provenance,
                usage,
            }));
        }
    }

    /// Streams a quotation, which is complete before its first delta.
    fn stream_quotation(
        &self,
        quotation: Quotation,
        sources: &[Source],
    ) -> impl Stream<Item = AnswerChunk> + Send {
        let provenance = self.provenance(sources, Author::Quoted);
        async_stream::stream! {
            for delta in quote::deltas(&quotation.text) {
                yield AnswerChunk::Delta(delta.to_owned());
            }
            let usage = Usage::default();
            yield AnswerChunk::Finished(Box::new(FinishedAnswer {
                text: quotation.text,
                reasoning: String::new(),
                cut_off: None,
                citations: quotation.cited,
                provenance,
                usage,
            }));
        }
    }

    fn provenance(&self, sources: &[Source], author: Author) -> Provenance {
        Provenance {
            embedding_model: self.embedder.name().to_owned(),
            index_version: self.index_version.clone(),
            passages: sources.iter().flat_map(Source::passages).collect(),
            author,
        }
    }
}
