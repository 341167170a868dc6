//! Writes one answer: retrieves passages, decrypts private ones, and publishes the text while it is written.

use std::time::{Duration, Instant};

use aggregates::conversation::{Answer, FailureReason, Provenance, Timings, Usage};
use aggregates::{AnswerRef, UserId};
use futures::StreamExt as _;
use measures::catalogue::{ATTEMPT_DURATION, RETRIEVAL_DURATION, TIME_TO_FIRST_DELTA};
use rag::answer::{AnswerChunk, AnswerError, Answerer};
use rag::error_chain::ErrorChain;
use rag::generate::{ChatModel, Meter};
use rag::index::IndexError;
use rag::retrieve::{Found, Hit, RetrieveError, Retrieved, merge_adjacent};
use rag::vocabulary::{Asker, OwnerId, PassageBody, PassageId, Source};
use sealing::{AssociatedData, SealError, Subject};
use tracing::Instrument as _;
use uuid::Uuid;

use super::convert;
use super::delta_publisher::{Attempt, LiveAnswer, Opening};
use super::failure::AttemptFailed;
use super::processor::{AnswerProcessor, Job};
use super::shown::Shown;
use super::trace::Writing;
use crate::knowledge::indexing::term_key;
use store::{ContentKeys, StoreError};

/// Time limit of retrieval.
const RETRIEVE_TIMEOUT: Duration = Duration::from_secs(15);

impl From<StoreError> for AttemptFailed {
    fn from(error: StoreError) -> Self {
        Self::Passing(FailureReason::Internal, error.to_string())
    }
}

impl AnswerProcessor {
    /// Writes the whole answer of a job, or continues the part that earlier attempts have shown. Dropping the
    /// future ends work and publishing at once. `meter` counts the tokens of the language model.
    pub(super) async fn write(
        &self,
        job: &Job,
        meter: &Meter,
    ) -> Result<(Answer, Provenance, Usage), AttemptFailed> {
        let began = Instant::now();
        let (model, preferences) = (job.asked.model.as_ref(), &job.asked.preferences);
        let can_continue = self.language_models.find(model).is_some_and(ChatModel::can_continue);
        let (live, shown) = self.begin_live(job, can_continue).await?;
        let answerer =
            self.answerer(model).with_preferences(preferences.for_model()).with_meter(meter.clone());
        let searched = Instant::now();
        let searching = self.sources(job, &answerer).instrument(tracing::info_span!("retrieve"));
        let (sources, found) = searching.await?;
        RETRIEVAL_DURATION.record_time(&[], searched.elapsed());
        let told = convert::sources(&sources);
        let continued = shown.filter(|shown| shown.has_sources(&told)).map(|shown| shown.begun);
        if continued.is_none() {
            live.void(can_continue);
        }
        live.sources(told);
        let retrieved = Instant::now();
        let mut first_text = None;
        let (question, history) = (job.asked.question.clone(), job.asked.history.clone());
        let written = answerer.with_begun(continued).answer(question, history, sources);
        let mut written = std::pin::pin!(written);
        let (mut has_text, mut traced) = (false, Writing::begin());
        while let Some(chunk) = written.next().await {
            let chunk = match chunk {
                Err(error) if can_continue => return Err(published(live, error).await),
                chunk => chunk?,
            };
            first_text.get_or_insert_with(Instant::now);
            match chunk {
                AnswerChunk::Reasoning(reasoning) => live.reasoning(reasoning),
                AnswerChunk::Delta(text) => {
                    if !std::mem::replace(&mut has_text, true) {
                        TIME_TO_FIRST_DELTA.record_time(&[], began.elapsed());
                        traced.text();
                    }
                    live.text(text);
                }
                AnswerChunk::Void => live.void(can_continue),
                AnswerChunk::Quotation => live.void(false),
                AnswerChunk::Finished(finished) => {
                    live.finish().await;
                    let timings = timings(began, (searched, retrieved), first_text);
                    ATTEMPT_DURATION.record_time(&[], began.elapsed());
                    let finished = convert::finished(*finished, &found, preferences, timings);
                    traced.end(&finished.1, finished.2);
                    return Ok(finished);
                }
            }
        }
        Err(AttemptFailed::Passing(
            FailureReason::Internal,
            "the answer ended before it was finished".to_owned(),
        ))
    }

    /// Begins to publish an attempt, with the part that earlier ones have shown if its model can continue it.
    async fn begin_live(
        &self,
        job: &Job,
        can_continue: bool,
    ) -> Result<(LiveAnswer, Option<Shown>), AttemptFailed> {
        let AnswerRef { owner, conversation_id, answer_id } = job.lease.answer;
        let subject = Subject::Conversation(conversation_id.uuid());
        let key = self.store.keyring().content(owner, subject).await?;
        let key = key.ok_or(StoreError::KeyDestroyed)?;
        let (question_id, number) = (job.asked.question_id, job.lease.attempt);
        let attempt = Attempt { owner, conversation_id, question_id, answer_id, number, key };
        let shown = if can_continue && number > 1 { self.shown_before(&attempt).await } else { None };
        let mut opening = Opening { can_continue, ..Opening::default() };
        if let Some(Shown { begun, .. }) = &shown {
            let bytes = begun.text().len();
            tracing::info!(answer.id = %answer_id, attempt = number, bytes, "an attempt continues the text of an earlier one");
            (opening.text, opening.reasoning) = (begun.text().to_owned(), begun.reasoning().to_owned());
        }
        let live = LiveAnswer::begin(self.jetstream.clone(), self.subjects.clone(), attempt, opening);
        Ok((live, shown))
    }

    /// Retrieves passages and decrypts them.
    async fn sources(
        &self,
        job: &Job,
        answerer: &Answerer,
    ) -> Result<(Vec<Source>, Vec<Found>), AttemptFailed> {
        let question = &job.asked;
        let owner = job.lease.answer.owner;
        let terms = term_key(&self.store, owner).await?;
        let documents = question.documents.iter().map(|id| id.uuid().into()).collect();
        let asker = Asker { owner: OwnerId::from(owner.uuid()), terms, documents };
        let retrieving = answerer.retrieve(&question.question, &question.history, asker);
        let Retrieved { hits, mut found } =
            match tokio::time::timeout(RETRIEVE_TIMEOUT, Box::pin(retrieving)).await {
                Ok(Ok(retrieved)) => retrieved,
                Ok(Err(error)) => {
                    // The collection may be lost or replaced: the next attempt uses the current one.
                    if matches!(error, RetrieveError::Index(IndexError::Refused(_))) {
                        self.models.look();
                    }
                    return Err(error.into());
                }
                Err(_) => {
                    return Err(AttemptFailed::Passing(
                        FailureReason::KnowledgeUnavailable,
                        "the search took too long".to_owned(),
                    ));
                }
            };
        let keys = self.document_keys(owner, &hits).await?;
        let mut sources = Vec::with_capacity(hits.len());
        for hit in hits {
            let id = hit.id;
            match readable(hit, owner, &keys) {
                Some(source) => sources.push(source),
                // Its text is lost, for example because its key was destroyed since: nobody can read it.
                None => found.retain(|found| found.id != id),
            }
        }
        Ok((merge_adjacent(sources), found))
    }

    async fn document_keys(&self, owner: UserId, hits: &[Hit]) -> Result<ContentKeys, StoreError> {
        let mut wanted: Vec<(UserId, Subject)> = hits
            .iter()
            .filter(|hit| matches!(hit.body, PassageBody::Sealed(_)))
            .map(|hit| (owner, document(hit.id)))
            .collect();
        if wanted.is_empty() {
            return Ok(ContentKeys::new());
        }
        wanted.sort_unstable();
        wanted.dedup();
        self.store.keyring().content_keys(&wanted).await
    }
}

/// Publishes what was written before a failure, so that the next attempt continues all of it.
async fn published(live: LiveAnswer, error: AnswerError) -> AttemptFailed {
    live.finish().await;
    error.into()
}

fn timings(
    began: Instant,
    (searched, retrieved): (Instant, Instant),
    first_text: Option<Instant>,
) -> Timings {
    Timings {
        retrieval_ms: milliseconds(retrieved - searched),
        first_text_ms: milliseconds(first_text.map_or(Duration::ZERO, |at| at - retrieved)),
        total_ms: milliseconds(began.elapsed()),
    }
}

fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

fn document(id: PassageId) -> Subject {
    Subject::Document(Uuid::from(id.document_id))
}

/// Decrypts a passage. A passage that cannot be decrypted is omitted.
fn readable(hit: Hit, owner: UserId, keys: &ContentKeys) -> Option<Source> {
    let id = hit.id;
    let opened = hit.open_with(|id, sealed| {
        let key = keys.get(&(owner, document(id))).ok_or(SealError::Mismatch)?;
        let aad = AssociatedData::Passage { document_id: Uuid::from(id.document_id), ordinal: id.ordinal };
        key.open(&aad, sealed)
    });
    opened
        .inspect_err(
            |error| tracing::warn!(error = %ErrorChain(error), passage = %id, "a retrieved passage could not be decrypted"),
        )
        .ok()
}
