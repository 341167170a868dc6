//! The event store: commands become events in one round trip; whatever is private is sealed before it leaves the process.
//!
//! SQL lives here and in `projections/`, nowhere else.

mod accounts;
pub mod batch;
mod cached;
mod connect;
mod documents;
mod erasures;
mod error;
mod events;
mod execute;
mod keys;
mod leases;
mod ledger;
mod repository;
mod sync;

pub use accounts::{account_profile, grant};
pub use cached::CachedEventStore;
pub use connect::{connect, migrate};
pub use documents::CountingVersion;
pub use erasures::{Erasure, erase_account, is_session_live};
pub use error::StoreError;
pub use events::decrypt::subject_of;
pub use events::idempotency::{IdempotencyKey, Remembered};
pub use execute::{ExecuteError, Executed};
pub use keys::audit_keys::{AuditKeyRow, CheckpointRow};
pub use keys::keyring::{ContentKeys, Keyring};
pub use keys::master_keys::MasterKeyError;
pub use leases::{AnswerLease, Claim, Requested};
pub use ledger::chain::{Canonical, GENESIS, LedgerHash, finish};
pub use ledger::filtered::{EventFilter, LedgerPart, LinkedEntry};
pub use ledger::read::{LedgerEntry, StoredEvent};
pub use ledger::sequence::Sealed;

use std::sync::Arc;

use aggregates::account::Account;
use aggregates::audit_trail::AuditTrail;
use aggregates::conversation::Conversation;
use aggregates::document::Document;
use events::append::Appender;
use repository::EventRepository;
use sqlx::PgPool;

/// The event store as one process sees it: a pool, the keys it has opened, the aggregates it remembers.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    keyring: Arc<Keyring>,
    conversations: Arc<CachedEventStore<Conversation>>,
    accounts: Arc<CachedEventStore<Account>>,
    documents: Arc<CachedEventStore<Document>>,
    audit_trails: Arc<CachedEventStore<AuditTrail>>,
}

impl Store {
    /// A store over a pool, with the keys of a keyring.
    pub fn new(pool: PgPool, keyring: Arc<Keyring>) -> Self {
        let appender = Appender::new(pool.clone());
        let repository = EventRepository { pool: pool.clone(), appender, keyring: Arc::clone(&keyring) };
        Self {
            conversations: Arc::new(CachedEventStore::new(repository.clone())),
            accounts: Arc::new(CachedEventStore::new(repository.clone())),
            documents: Arc::new(CachedEventStore::new(repository.clone())),
            audit_trails: Arc::new(CachedEventStore::new(repository)),
            pool,
            keyring,
        }
    }

    /// The pool, for queries of read models.
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Whether the store answers.
    pub async fn is_there(&self) -> bool {
        sqlx::query("SELECT 1").execute(&self.pool).await.is_ok()
    }

    /// The keys.
    pub const fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
    }

    /// Conversations, by their events.
    pub fn conversations(&self) -> &CachedEventStore<Conversation> {
        &self.conversations
    }

    /// Accounts, by their events.
    pub fn accounts(&self) -> &CachedEventStore<Account> {
        &self.accounts
    }

    /// Documents, by their events.
    pub fn documents(&self) -> &CachedEventStore<Document> {
        &self.documents
    }

    /// Auditors' looks, by their events.
    pub fn audit_trails(&self) -> &CachedEventStore<AuditTrail> {
        &self.audit_trails
    }
}
