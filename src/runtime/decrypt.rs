//! Decryption of ledger batches for whatever folds them into rows.

use std::panic::{AssertUnwindSafe, catch_unwind};

use aggregates::operation::QuarantineCause;
use aggregates::{AggregateType, RecordedEvent, UserId, Version};
use futures::FutureExt as _;
use projections::{DecryptedEvent, LedgerBatch, UnappliedEvent, bounded};
use rag::error_chain::ErrorChain;
use store::{ContentKeys, LedgerEntry, Store, StoreError, Undecryptable, subject_of};

/// The error of an event at which this release has a bug.
const PANICKED: &str = "reading the event panicked; the log has the panic";

/// Decrypts a batch, and adds the keys with which read models encrypt and index.
pub async fn decrypt_events(
    store: &Store,
    mut events: Vec<RecordedEvent>,
) -> Result<Vec<DecryptedEvent>, StoreError> {
    let keys = store.decrypt_events(&mut events).await?;
    with_keys(store, events, &keys).await
}

/// Reads and decrypts entries of the ledger. What cannot be read or decrypted for a reason that lasts is
/// named in the batch, and fails no other event.
pub async fn read_batch(store: &Store, entries: &[LedgerEntry]) -> Result<LedgerBatch, StoreError> {
    let (events, mut unreadable) = read_events(entries);
    let (events, undecryptable) = match guarded(decrypt(store, events)).await {
        Ok(decrypted) => decrypted,
        Err(Undecrypted::Lasting(..)) => decrypt_one_by_one(store, read_events(entries).0).await?,
        Err(Undecrypted::Passing(error)) => return Err(error),
    };
    unreadable.extend(undecryptable);
    unreadable.sort_by_key(|event| event.position);
    Ok(LedgerBatch::new(entries.iter().map(|entry| entry.position), events, unreadable))
}

fn read_events(entries: &[LedgerEntry]) -> (Vec<RecordedEvent>, Vec<UnappliedEvent>) {
    let (mut events, mut unreadable) = (Vec::with_capacity(entries.len()), Vec::new());
    for entry in entries {
        match catch_unwind(AssertUnwindSafe(|| entry.event.read(entry.position))) {
            Ok(Ok(event)) => events.push(event),
            Ok(Err(error)) => unreadable.extend(unread(entry, &ErrorChain(&error).to_string())),
            Err(_) => unreadable.extend(unread(entry, PANICKED)),
        }
    }
    (events, unreadable)
}

/// The entry as one that cannot be read; `None` if no read model has aggregates of its kind.
fn unread(entry: &LedgerEntry, error: &str) -> Option<UnappliedEvent> {
    let event = &entry.event;
    let aggregate: AggregateType = event.aggregate_type.parse().ok()?;
    Some(UnappliedEvent {
        position: entry.position,
        aggregate,
        aggregate_id: event.aggregate_id,
        sequence: Version(event.sequence.unsigned_abs()),
        owner: UserId::new(event.owner),
        event_type: bounded(&event.event_type),
        cause: QuarantineCause::Unreadable,
        detail: bounded(error),
    })
}

/// Why events were not decrypted.
enum Undecrypted {
    /// One of them is at fault.
    Lasting(QuarantineCause, String),
    /// The database is.
    Passing(StoreError),
}

/// The panic hook has logged a panic: its message can quote a text, and is not kept.
async fn guarded(
    decrypting: impl Future<Output = Result<Decrypted, StoreError>>,
) -> Result<Decrypted, Undecrypted> {
    match AssertUnwindSafe(decrypting).catch_unwind().await {
        Ok(Ok(decrypted)) => Ok(decrypted),
        Ok(Err(error)) if error.is_of_data() => {
            let detail = ErrorChain(&error).to_string();
            Err(Undecrypted::Lasting(QuarantineCause::Undecryptable, detail))
        }
        Ok(Err(error)) => Err(Undecrypted::Passing(error)),
        Err(_) => Err(Undecrypted::Lasting(QuarantineCause::Panicked, PANICKED.to_owned())),
    }
}

type Decrypted = (Vec<DecryptedEvent>, Vec<UnappliedEvent>);

async fn decrypt(store: &Store, mut events: Vec<RecordedEvent>) -> Result<Decrypted, StoreError> {
    let (keys, undecryptable) = store.try_decrypt_events(&mut events).await?;
    let unapplied = undecryptable.into_iter().filter_map(|Undecryptable { index, reason, .. }| {
        Some(UnappliedEvent::of(events.get(index)?, QuarantineCause::Undecryptable, &reason))
    });
    let unapplied = unapplied.collect();
    Ok((with_keys(store, events, &keys).await?, unapplied))
}

/// Decrypts each event alone, because one of them, or its key, cannot be used.
async fn decrypt_one_by_one(store: &Store, events: Vec<RecordedEvent>) -> Result<Decrypted, StoreError> {
    let (mut decrypted, mut unapplied) = (Vec::with_capacity(events.len()), Vec::new());
    for event in events {
        match guarded(decrypt(store, vec![event.clone()])).await {
            Ok((opened, undecryptable)) => {
                decrypted.extend(opened);
                unapplied.extend(undecryptable);
            }
            Err(Undecrypted::Lasting(cause, detail)) => {
                unapplied.push(UnappliedEvent::of(&event, cause, &detail));
                decrypted.push(DecryptedEvent { recorded: event, content_key: None, blind_key: None });
            }
            Err(Undecrypted::Passing(error)) => return Err(error),
        }
    }
    Ok((decrypted, unapplied))
}

async fn with_keys(
    store: &Store,
    events: Vec<RecordedEvent>,
    keys: &ContentKeys,
) -> Result<Vec<DecryptedEvent>, StoreError> {
    let mut owners: Vec<UserId> = events.iter().map(|event| event.owner).collect();
    owners.sort_unstable();
    owners.dedup();
    let user_keys = store.keyring().user_keys(&owners).await?;
    Ok(events
        .into_iter()
        .map(|recorded| DecryptedEvent {
            content_key: subject_of(&recorded)
                .and_then(|subject| keys.get(&(recorded.owner, subject)).cloned()),
            blind_key: user_keys.get(&recorded.owner).map(sealing::UserKey::blind_key),
            recorded,
        })
        .collect())
}
