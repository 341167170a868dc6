//! Answers a question: finds passages, lets the language model answer from them, and quotes them when there is no
//! model or it is away. Records nothing; what to record comes with the last chunk.

use async_stream::try_stream;
use futures::{Stream, StreamExt as _, pin_mut};

use crate::cite::{Citation, CitationFilter, citations};
use crate::embed::{EmbedError, Embedder};
use crate::followup;
use crate::generate::{ChatModel, ModelError, ModelEvent, Usage};
use crate::index::PassageIndex;
use crate::prompt::{self, Prompt};
use crate::quote::{self, Quotation};
use crate::retrieve::{Hit, RetrieveError, Retriever, Versions};
use crate::vocabulary::{OwnerId, PassageId, Source, Turn};

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerChunk {
    /// More text, never empty.
    Delta(String),
    /// The end, with everything there is to record.
    Finished(Box<FinishedAnswer>),
}

/// An answer and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedAnswer {
    /// All of its deltas joined.
    pub text: String,
    /// What it cites, in the order of the text.
    pub citations: Vec<Citation>,
    /// How it came about.
    pub provenance: Provenance,
    /// Tokens; none when it was quoted.
    pub usage: Usage,
}

/// What made an answer: enough to explain it after the index has changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Provenance {
    /// The model whose vectors found the passages.
    pub embedding_model: String,
    /// The collection that was searched.
    pub index_version: String,
    /// The passages it was made from, with their scores.
    pub passages: Vec<(PassageId, f32)>,
    /// Who put it into words.
    pub author: Author,
}

/// Who puts an answer into words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// Nobody: the passages themselves were quoted.
    Quoted,
    /// A language model.
    Model {
        /// Its name.
        name: String,
        /// The version of the prompt's templates.
        prompt_version: &'static str,
        /// SHA-256 of the messages sent, in hex.
        prompt_sha256: String,
    },
}

/// Everything that answering needs.
#[derive(Clone)]
pub struct Answerer {
    retriever: Retriever,
    embedder: Embedder,
    index_version: String,
    model: Option<ChatModel>,
}

impl Answerer {
    /// Answers from this index, with this language model if there is one.
    pub fn new(embedder: Embedder, index: PassageIndex, model: Option<ChatModel>) -> Self {
        let index_version = index.collection().to_owned();
        let retriever = Retriever::new(embedder.clone(), index);
        Self { retriever, embedder, index_version, model }
    }

    /// Answers of each document from the version that counts alone.
    #[must_use]
    pub fn with_versions(self, versions: Versions) -> Self {
        Self { retriever: self.retriever.with_versions(versions), ..self }
    }

    /// Passages to answer from, the best first: shared ones open, the person's own sealed. None when nothing fits. A question
    /// that leans on the conversation is written anew by the model, or searched with the terms of the one before.
    pub async fn retrieve(
        &self,
        question: &str,
        history: &[Turn],
        owner: OwnerId,
    ) -> Result<Vec<Hit>, RetrieveError> {
        if let Some(model) = &self.model
            && !history.is_empty()
            && followup::leans(question)
            && let Some(alone) = followup::rewritten(model, question, history).await
        {
            let found = self.retriever.retrieve(&alone, &[], owner).await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        self.retriever.retrieve(question, history, owner).await
    }

    /// The answer as it is written. Sources keep the numbers of their order, from 1. Dropping the stream ends the work.
    ///
    /// A model that is away before its first word is replaced by quoting; one that stops in the middle is an error,
    /// and what was sent until then is void.
    pub fn answer(
        &self,
        question: String,
        history: Vec<Turn>,
        sources: Vec<Source>,
    ) -> impl Stream<Item = Result<AnswerChunk, AnswerError>> + Send + 'static {
        let this = self.clone();
        try_stream! {
            if let Some(model) = this.model.clone().filter(|_| !(sources.is_empty() && history.is_empty())) {
                let prompt = prompt::build(&question, &history, &sources, model.context_tokens());
                let mut away = false;
                {
                    let written = this.written(&model, &prompt, &sources);
                    pin_mut!(written);
                    while let Some(chunk) = written.next().await {
                        match chunk {
                            Err(ModelError::Away(reason)) => {
                                tracing::warn!(reason, "the language model is away, quoting instead");
                                away = true;
                            }
                            chunk => yield chunk?,
                        }
                    }
                }
                if !away {
                    return;
                }
            }
            let question = followup::standing_alone(&question, &history);
            let quotation = quote::quote(&this.embedder, &question, &sources).await?;
            for await chunk in this.quoted(quotation, sources) {
                yield chunk;
            }
        }
    }

    /// What the model writes, its citations checked.
    fn written(
        &self,
        model: &ChatModel,
        prompt: &Prompt,
        sources: &[Source],
    ) -> impl Stream<Item = Result<AnswerChunk, ModelError>> + Send {
        let sources = sources[..prompt.sources_given.min(sources.len())].to_vec();
        let author = Author::Model {
            name: model.name().to_owned(),
            prompt_version: prompt.version(),
            prompt_sha256: prompt.sha256(),
        };
        let provenance = self.provenance(&sources, author);
        let estimated_prompt = prompt.estimated_tokens;
        let events = model.stream(prompt);
        try_stream! {
            let mut filter = CitationFilter::new(sources.len());
            let mut text = String::new();
            let mut usage = None;
            for await event in events {
                match event? {
                    ModelEvent::Delta(delta) => {
                        let delta = filter.push(&delta);
                        if !delta.is_empty() {
                            text.push_str(&delta);
                            yield AnswerChunk::Delta(delta);
                        }
                    }
                    ModelEvent::Finished(counted) => usage = counted,
                }
            }
            let (rest, numbers) = filter.finish();
            if !rest.is_empty() {
                text.push_str(&rest);
                yield AnswerChunk::Delta(rest);
            }
            let usage = usage.unwrap_or_else(|| Usage {
                prompt_tokens: estimated_prompt,
                completion_tokens: prompt::estimate_tokens(&text),
            });
            let citations = citations(&numbers, &sources);
            yield AnswerChunk::Finished(Box::new(FinishedAnswer { text, citations, provenance, usage }));
        }
    }

    /// A quotation at reading pace.
    fn quoted(&self, quotation: Quotation, sources: Vec<Source>) -> impl Stream<Item = AnswerChunk> + Send {
        let provenance = self.provenance(&sources, Author::Quoted);
        async_stream::stream! {
            for words in quote::word_groups(&quotation.text) {
                yield AnswerChunk::Delta(words.to_owned());
                tokio::time::sleep(quote::PACE).await;
            }
            let citations = citations(&quotation.cited, &sources);
            let usage = Usage::default();
            yield AnswerChunk::Finished(Box::new(FinishedAnswer { text: quotation.text, citations, provenance, usage }));
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

/// Why there is no answer, or only half of one.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The language model refused, or stopped in the middle.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Sentences could not be compared with the question.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

impl AnswerError {
    /// Whether trying again can help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Model(error) => error.is_transient(),
            Self::Embed(error) => error.is_transient(),
        }
    }
}
