//! The task behind a stream, and the response that sends its events.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aggregates::Position;
use async_nats::Client;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive, KeepAliveStream};
use futures::Stream;
use measures::catalogue::STREAMS_OPEN;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument as _;

use super::event::EncodedEvent;
use crate::api::accounts::Accounts;
use crate::api::identity::{Caller, Revocations, seconds_now};
use crate::api::limits::Permit;
use crate::api::live::Live;
use crate::api::problem::with_causes;
use crate::audit::Following;
use crate::runtime::supervisor::ShortLived;
use store::{EventFilter, Store, StoreError};

/// Interval of comments on a silent stream, which keep proxies from closing it.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Pause of a client before it reconnects.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);
/// Events that wait for a slow client before the task waits, too, and their bytes.
const UNSENT_EVENTS: usize = 64;
const UNSENT_BYTES: u32 = 1 << 20;

/// Why a stream ends. The client reconnects and resumes.
#[derive(Debug, thiserror::Error)]
pub(in crate::api) enum StreamError {
    /// The client closed the connection.
    #[error("client closed the stream")]
    Closed,
    /// The next events cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An event cannot be encoded.
    #[error("event was not encoded")]
    Encoding(#[from] serde_json::Error),
}

/// The events of a stream. Dropping it ends the task behind it.
pub(in crate::api) type EventStream =
    Sse<KeepAliveStream<Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>>>>;

/// The sending half of a stream.
#[derive(Debug, Clone)]
pub(in crate::api) struct EventSender {
    events: mpsc::Sender<(Event, OwnedSemaphorePermit)>,
    bytes: Arc<Semaphore>,
}

impl EventSender {
    /// Sends an event. Waits while the client is slow.
    pub(in crate::api) async fn send(&self, event: EncodedEvent) -> Result<(), StreamError> {
        let bytes = u32::try_from(event.bytes).unwrap_or(UNSENT_BYTES).clamp(1, UNSENT_BYTES);
        let room = Arc::clone(&self.bytes).acquire_many_owned(bytes).await;
        let room = room.map_err(|_| StreamError::Closed)?;
        self.events.send((event.event, room)).await.map_err(|_| StreamError::Closed)
    }
}

/// Starts the tasks behind streams.
#[derive(Debug)]
pub(in crate::api) struct Streams {
    pub(super) store: Store,
    pub(super) live: Arc<Live>,
    nats: Client,
    accounts: Arc<Accounts>,
    revocations: Arc<Revocations>,
    tasks: ShortLived,
}

impl Streams {
    pub(in crate::api) const fn new(
        store: Store,
        live: Arc<Live>,
        nats: Client,
        accounts: Arc<Accounts>,
        revocations: Arc<Revocations>,
        tasks: ShortLived,
    ) -> Self {
        Self { store, live, nats, accounts, revocations, tasks }
    }

    /// Runs a task that is cut off when the process ends.
    pub(in crate::api) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// The events of the ledger after a position, then new events.
    pub(in crate::api) fn follow_ledger(&self, filter: EventFilter, after: Position) -> Following {
        let (store, subjects) = (self.store.clone(), self.live.subjects().clone());
        Following::new(store, self.nats.clone(), subjects, filter, after)
    }

    /// Runs a session in a task, which holds the permit, and returns its events. The session is dropped when
    /// the client closes the connection, when the token expires or is revoked, when the role changes, when
    /// the erasure of the account begins, or when the process shuts down.
    pub(in crate::api) fn start<S>(
        &self,
        caller: &Caller,
        permit: Permit,
        kind: &'static str,
        session: impl FnOnce(EventSender) -> S,
    ) -> EventStream
    where
        S: Future<Output = Result<(), StreamError>> + Send + 'static,
    {
        let (sender, events) = mpsc::channel(UNSENT_EVENTS);
        let bytes = Arc::new(Semaphore::new(UNSENT_BYTES as usize));
        let session = session(EventSender { events: sender.clone(), bytes });
        let erased = self.accounts.erased(caller.user);
        let lifetime = caller.until.saturating_sub(seconds_now());
        let revoked = self.revocations.ended(*caller);
        let task = async move {
            let (_permit, _open) = (permit, STREAMS_OPEN.hold(&[kind]));
            let ended = tokio::select! {
                ended = session => ended,
                () = sender.closed() => Ok(()),
                () = tokio::time::sleep(Duration::from_secs(lifetime)) => Ok(()),
                () = erased => Ok(()),
                () = revoked => Ok(()),
            };
            match ended {
                Ok(()) | Err(StreamError::Closed) => {}
                Err(error) => tracing::warn!(error = with_causes(error), "stream ended early"),
            }
        };
        self.tasks.spawn(task.in_current_span());
        let retry = tokio_stream::once(Event::default().retry(RECONNECT_AFTER));
        let events: Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>> =
            Box::pin(retry.chain(ReceiverStream::new(events).map(|(event, _room)| event)).map(Ok));
        Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT))
    }
}
