//! What JetStream knows beside a backup: who was erased, and whether its stream of events is in use.

use std::time::Duration;

use aggregates::{ReceiptId, UserId};
use async_nats::Client;
use async_nats::jetstream::context::{GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{self, ErrorCode};
use futures::{StreamExt as _, TryStreamExt as _};
use nats::Subjects;
use uuid::Uuid;

use super::error::BackupError;
use super::tombstones::Tombstones;

/// Time limit of all calls together.
const READ: Duration = Duration::from_mins(2);
/// Tombstones that are read at the same time.
const CONCURRENT: usize = 16;

/// State of JetStream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InJetStream {
    /// The tombstones in JetStream.
    pub tombstones: Tombstones,
    /// Messages in the stream of events.
    pub events: u64,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl InJetStream {
    /// Reads the streams of an installation. Streams that do not exist are empty.
    pub async fn read(client: &Client, subjects: &Subjects) -> Result<Self, BackupError> {
        let read = tokio::time::timeout(READ, read(client, subjects)).await;
        let read = read.map_err(BoxError::from).and_then(|read| read);
        read.map_err(|source| BackupError::JetStream { source })
    }
}

async fn read(client: &Client, subjects: &Subjects) -> Result<InJetStream, BoxError> {
    let context = jetstream::new(client.clone());
    let events = match existing(context.get_stream(subjects.events_stream()).await)? {
        Some(mut stream) => stream.info().await?.state.messages,
        None => 0,
    };
    let Some(stream) = existing(context.get_stream(subjects.tombstones_stream()).await)? else {
        return Ok(InJetStream { tombstones: Tombstones::new(), events });
    };
    let found = stream.info_with_subjects(subjects.all_tombstones()).await?;
    let named: Vec<String> = found.map_ok(|(subject, _)| subject).try_collect().await?;
    let stream = &stream;
    let reading = futures::stream::iter(named).map(|subject| async move {
        let owner = subject.rsplit('.').next().and_then(|owner| owner.parse().ok());
        let Some(owner) = owner else { return Ok::<_, BoxError>(None) };
        let message = stream.get_last_raw_message_by_subject(&subject).await?;
        // A tombstone counts whatever its receipt is.
        let receipt = Uuid::from_slice(&message.payload).unwrap_or_else(|_| Uuid::new_v4());
        Ok(Some((UserId::new(owner), ReceiptId::new(receipt))))
    });
    let tombstones: Vec<Option<(UserId, ReceiptId)>> =
        reading.buffer_unordered(CONCURRENT).try_collect().await?;
    Ok(InJetStream { tombstones: tombstones.into_iter().flatten().collect(), events })
}

fn existing(found: Result<Stream, GetStreamError>) -> Result<Option<Stream>, BoxError> {
    match found {
        Ok(stream) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(cause) if cause.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                Ok(None)
            }
            _ => Err(error.into()),
        },
    }
}
