//! Verifies the ledger in the database against its events and all signed checkpoints.

use std::collections::HashMap;

use aggregates::Position;
use uuid::Uuid;

use super::signing::{Checkpoint, PublicKey};
use super::verify::{Misfit, Verified};
use store::{
    CheckpointRow, EventFilter, GENESIS, LedgerHash, LinkedEntry, Store, StoreError, UnsequencedEvent,
};

/// Events of one page.
const PAGE: u32 = 2_000;

/// Why the ledger is not valid.
#[derive(Debug, thiserror::Error)]
pub enum NotWhole {
    /// A position does not fit.
    #[error("position {} does not fit: {}", .0.position, .0.what)]
    Misfit(Misfit),
    /// The ledger could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// State of the verification.
struct Walk {
    keys: HashMap<String, PublicKey>,
    last: u64,
    hash: LedgerHash,
    sequences: HashMap<(String, Uuid), i64>,
    /// Checkpoints at later positions, the next one last.
    checkpoints: Vec<CheckpointRow>,
}

/// Verifies the whole ledger. With `key`, only checkpoints signed by that key count. `progress` receives the
/// current and the last position.
pub async fn verify_database(
    store: &Store,
    key: Option<PublicKey>,
    progress: impl Fn(Position, Position),
) -> Result<Verified, NotWhole> {
    // In this order: a checkpoint that is signed in between lies beyond no head.
    let mut walk = Walk::new(store, key).await?;
    let (head, _) = store.ledger_head().await?;
    while walk.last < head.0 {
        let from = Position(walk.last);
        let part = store.filtered_ledger(&EventFilter::default(), from, head, PAGE).await?;
        for linked in &part.entries {
            walk.step(linked).map_err(NotWhole::Misfit)?;
        }
        if part.entries.len() < PAGE as usize && walk.last < head.0 {
            let what = "it is missing, or its event is";
            return Err(NotWhole::Misfit(misfit(walk.last + 1, what)));
        }
        progress(Position(walk.last), head);
    }
    if let Some(beyond) = walk.checkpoints.last().filter(|beyond| beyond.position > head) {
        let what = format!("a checkpoint was signed at position {}, which is missing", beyond.position);
        return Err(NotWhole::Misfit(misfit(walk.last + 1, &what)));
    }
    if let Some(event) = store.unsequenced_event().await? {
        let UnsequencedEvent { aggregate_type, aggregate_id, sequence } = event;
        let what = format!("event {sequence} of the {aggregate_type} {aggregate_id} has no place after it");
        return Err(NotWhole::Misfit(misfit(walk.last, &what)));
    }
    Ok(Verified {
        events: walk.last,
        first: (walk.last > 0).then_some(1),
        last: (walk.last > 0).then_some(walk.last),
        chained: true,
        key_id: key.map_or_else(String::new, |key| key.id()),
        key_given: key.is_some(),
        resumed_after: None,
    })
}

impl Walk {
    async fn new(store: &Store, key: Option<PublicKey>) -> Result<Self, NotWhole> {
        let known: Vec<PublicKey> = if let Some(key) = key {
            vec![key]
        } else {
            let rows = store.audit_keys().await?;
            rows.iter().filter_map(|row| PublicKey::from_bytes(&row.public_key).ok()).collect()
        };
        let keys: HashMap<String, PublicKey> = known.into_iter().map(|key| (key.id(), key)).collect();
        let mut checkpoints = store.all_checkpoints().await?;
        if key.is_some() {
            checkpoints.retain(|checkpoint| keys.contains_key(&checkpoint.key_id));
        }
        checkpoints.reverse();
        Ok(Self { keys, last: 0, hash: GENESIS, sequences: HashMap::new(), checkpoints })
    }

    fn step(&mut self, linked: &LinkedEntry) -> Result<(), Misfit> {
        let (entry, expected) = (&linked.entry, self.last + 1);
        let event = &entry.event;
        if entry.position.0 != expected {
            return Err(misfit(expected, "it is missing, or its event is"));
        }
        if event.chain(&self.hash) != entry.hash {
            return Err(misfit(expected, "its hash is not that of its event after the one before it"));
        }
        let written = event.payload.get().len() + event.metadata.get().len();
        if i64::try_from(written) != Ok(linked.stored_bytes) {
            return Err(misfit(expected, "something was added around its payload or metadata"));
        }
        if linked.ledger_owner.uuid() != event.owner {
            return Err(misfit(expected, "the ledger names another owner than its event"));
        }
        let sequence = self.sequences.entry((event.aggregate_type.clone(), event.aggregate_id)).or_default();
        if event.sequence != *sequence + 1 {
            return Err(misfit(expected, "it is out of its aggregate's order"));
        }
        *sequence = event.sequence;
        (self.last, self.hash) = (expected, entry.hash);
        self.pass_checkpoints()
    }

    /// Verifies the checkpoints at the current position.
    fn pass_checkpoints(&mut self) -> Result<(), Misfit> {
        while let Some(checkpoint) = self.checkpoints.pop_if(|next| next.position.0 <= self.last) {
            let signed = Checkpoint::from(checkpoint);
            let key = self.keys.get(&signed.key_id);
            if signed.position.0 == self.last && signed.root != hex::encode(self.hash) {
                return Err(misfit(self.last, "a checkpoint that was signed here has another root"));
            }
            if !key.is_some_and(|key| signed.is_signed_by(key)) {
                return Err(misfit(signed.position.0, "its checkpoint's signature is not good"));
            }
        }
        Ok(())
    }
}

fn misfit(position: u64, what: &str) -> Misfit {
    Misfit { position, what: what.to_owned() }
}
