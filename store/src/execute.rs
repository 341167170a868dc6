//! Carries out a command: load, decide, append; again when somebody else came first.

use aggregates::Metadata;
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::PersistenceError;
use cqrs_es::{Aggregate, AggregateContext as _, AggregateError, EventStore as _};
use uuid::Uuid;

use super::StoreError;
use crate::cached::CachedEventStore;
use crate::events::idempotency::IdempotencyKey;
use crate::repository::{IDEMPOTENCY_COMMAND, IDEMPOTENCY_KEY};

/// How often a command decides anew after losing a race. Each loss means that another command won.
const ATTEMPTS: usize = 25;

/// What a command led to.
#[derive(Debug)]
pub struct Executed<A: Aggregate> {
    /// The aggregate after it.
    pub aggregate: A,
    /// Its events; none when nothing had to change.
    pub events: Vec<A::Event>,
}

/// Why a command led to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<E: std::error::Error> {
    /// The aggregate refused it.
    #[error("{0}")]
    Refused(E),
    /// The store did not take it; nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<A> CachedEventStore<A>
where
    A: Aggregate + Clone,
    A::Command: Clone,
    A::Services: Default,
{
    /// Carries out a command on an aggregate, durably.
    pub async fn execute(
        &self,
        id: Uuid,
        command: A::Command,
        metadata: &Metadata,
        idempotency: Option<&IdempotencyKey>,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        let mut metadata = metadata.to_map();
        if let Some(key) = idempotency {
            metadata.insert(IDEMPOTENCY_KEY.to_owned(), blake3::Hash::from(key.key).to_hex().to_string());
            metadata
                .insert(IDEMPOTENCY_COMMAND.to_owned(), blake3::Hash::from(key.command).to_hex().to_string());
        }
        for _ in 0..ATTEMPTS {
            let mut context = self.load(id).await.map_err(store_error)?;
            let remembered = context.is_remembered();
            let sink = EventSink::default();
            let decision = context.aggregate().handle(command.clone(), &A::Services::default(), &sink).await;
            let events = sink.collect().await;
            // Only an append proves that what we remembered was the newest: another process may have gone on.
            if remembered && (decision.is_err() || events.is_empty()) {
                self.forget(id);
                continue;
            }
            decision.map_err(ExecuteError::Refused)?;
            let aggregate = context.aggregate().clone();
            match self.commit(events.clone(), context, metadata.clone()).await {
                Ok(_) => return Ok(Executed { aggregate, events }),
                Err(AggregateError::AggregateConflict) => {}
                Err(AggregateError::UserError(refused)) => return Err(ExecuteError::Refused(refused)),
                Err(
                    AggregateError::DatabaseConnectionError(error)
                    | AggregateError::DeserializationError(error)
                    | AggregateError::UnexpectedError(error),
                ) => return Err(ExecuteError::Store(unbox(error))),
            }
        }
        Err(ExecuteError::Store(StoreError::Conflict))
    }

    /// The aggregate as it is now, without a command.
    pub async fn current(&self, id: Uuid) -> Result<A, StoreError> {
        let mut loaded = self.load(id).await.map_err(|error| unbox(Box::new(error)))?;
        Ok(loaded.aggregate().clone())
    }
}

fn store_error<E: std::error::Error>(error: PersistenceError) -> ExecuteError<E> {
    ExecuteError::Store(unbox(Box::new(error)))
}

/// Finds our own error again behind the framework's.
fn unbox(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    match error.downcast::<StoreError>() {
        Ok(error) => *error,
        Err(error) => match error.downcast::<PersistenceError>() {
            Ok(error) => match *error {
                PersistenceError::OptimisticLockError => StoreError::Conflict,
                PersistenceError::ConnectionError(inner)
                | PersistenceError::DeserializationError(inner)
                | PersistenceError::UnknownError(inner) => unbox(inner),
            },
            Err(error) => StoreError::Corrupt(error.to_string()),
        },
    }
}
