//! The event store: appends the events of commands, orders them in the ledger, and keeps the keys that
//! encrypt their private parts. Private parts are encrypted before they leave the process.
//!
//! SQL is in this crate and in `projections` alone.
//!
//! # Where do I put …
//! - **what names a type of `cqrs-es`**: `cqrs.rs`, and nowhere else.
//! - **a change to how events are appended, loaded, encrypted or decrypted**: `events/`.
//! - **an order over all events, the hash chain, a read for consumers or auditors**: `ledger/`.
//! - **a key**: `keys/`; the ciphers are in the crate `sealing`.
//! - **which answer a worker takes next, and who holds it**: `answer_queue.rs`.
//! - **work that one process at a time does**: a table and two statements in `leases.rs`.
//! - **work that workers gave up**: `dead_letters.rs`.
//! - **how often a file was tried to read**: `extraction_attempts.rs`.
//! - **when a conversation was last opened**: `last_reads.rs`.
//! - **which processes accept commands**: `api_processes.rs`.
//! - **what an operator sees of the store**: `vitals.rs`.
//! - **a question to events that read models answer too late**: `answers.rs`, `documents.rs`.
//! - **what an erasure destroys in PostgreSQL**: `keys/destroyed.rs`, its attempts: `erasures.rs`; rows of
//!   the account service: `accounts/`.
//! - **all rows of a database, for a backup**: `snapshot/`.
//! - **a query of a read model**: the crate `projections`, which runs it through [`Store::read_models`].
//! - **how a statement is sent, limited in time and repeated**: the crate `database`.
//! - **a table**: a file in `migrations/`.

mod accounts;
mod answer_queue;
mod answers;
mod api_processes;
pub mod batch;
mod cqrs;
mod database;
mod dead_letters;
mod documents;
mod erasures;
mod error;
mod events;
mod extraction_attempts;
mod keys;
mod last_reads;
mod leases;
mod ledger;
mod snapshot;
mod sync;
mod vitals;

pub use self::database::{
    Database, Diagnosis, MigrateError, MigrationName, MigrationPlan, PlannedMigration, PlannedStatement,
    SchemaRefused, SchemaState, TableLock, diagnose, keeps_its_session, migrate, plan,
};
pub use ::database::{
    CheckError, ConnectError, Connection, PreparedStatements, Sharing, UnknownMode, WrongPooler,
    check as check_pooler,
};
pub use accounts::{
    AccountFact, AccountsDatabase, AccountsSchema, FactKind, InvalidSchemaName, InvitedAddress, Revocation,
    RevocationKind,
};
pub use answer_queue::{AnswerLease, AnswerRequest, NextAnswer, Requested};
pub use api_processes::ApiProcess;
pub use cqrs::{Aggregates, Executed};
pub use dead_letters::{DeadLetter, NewDeadLetter};
pub use documents::CurrentVersion;
pub use erasures::{ErasedStore, Erasure};
pub use error::{ExecuteError, StoreError};
pub use events::decrypt::Undecryptable;
pub use events::encrypt::subject_of;
pub use events::idempotency::{IdempotencyKey, Remembered};
pub use extraction_attempts::ExtractionAttempts;
pub use keys::audit_keys::AuditKeyRow;
pub use keys::destroyed::DestroyedKeys;
pub use keys::keyring::{ContentKeys, Keyring};
pub use keys::master_keys::MasterKeyError;
pub use last_reads::LastRead;
pub use leases::Lease;
pub use ledger::chain::{Canonical, GENESIS, LedgerHash, finish};
pub use ledger::checkpoints::CheckpointRow;
pub use ledger::filtered::{EventFilter, LedgerPart, LinkedEntry, UnsequencedEvent};
pub use ledger::read::{LedgerEntry, StoredEvent};
pub use ledger::sequence::Sequenced;
pub use snapshot::{
    DocumentFile, Erased, Load, LoadError, ScratchDatabase, Snapshot, SnapshotId, TableColumns, is_empty,
};
pub use vitals::Vitals;

use std::sync::Arc;

use ::database::Pool;
use aggregates::UserId;
use aggregates::account::Account;
use aggregates::audit_trail::AuditTrail;
use aggregates::conversation::{Conversation, ConversationLimits};
use aggregates::document::Document;
use aggregates::operation::Operation;
use cqrs::EventRepository;
use sqlx::PgExecutor;

/// The event store with a pool of connections and the caches of this process. Clones share both.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    keyring: Arc<Keyring>,
    conversations: Arc<Aggregates<Conversation>>,
    accounts: Arc<Aggregates<Account>>,
    documents: Arc<Aggregates<Document>>,
    audit_trails: Arc<Aggregates<AuditTrail>>,
    operations: Arc<Aggregates<Operation>>,
}

/// Connections of a pool at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// Connections that are open.
    pub open: usize,
    /// Connections among them that no statement uses.
    pub idle: usize,
}

impl Connections {
    pub(crate) fn of(pool: &Pool) -> Self {
        let (open, idle) = pool.size();
        Self { open, idle }
    }
}

impl Store {
    /// A store that encrypts and decrypts by the keys of a keyring.
    pub fn new(Database(pool): Database, keyring: Arc<Keyring>) -> Self {
        let repository = EventRepository::new(pool.clone(), Arc::clone(&keyring));
        Self {
            conversations: Arc::new(Aggregates::new(repository.clone(), ConversationLimits::default())),
            accounts: Arc::new(Aggregates::new(repository.clone(), ())),
            documents: Arc::new(Aggregates::new(repository.clone(), ())),
            audit_trails: Arc::new(Aggregates::new(repository.clone(), ())),
            operations: Arc::new(Aggregates::new(repository, ())),
            pool,
            keyring,
        }
    }

    /// The same store, which refuses commands of users beyond these limits of a conversation. Cached
    /// conversations are not shared.
    #[must_use]
    pub fn with_conversation_limits(self, limits: ConversationLimits) -> Self {
        Self { conversations: Arc::new(self.conversations.with_services(limits)), ..self }
    }

    /// The connections on which the crate `projections` queries read models. A value to pass on: what it can
    /// do is defined by traits of `sqlx`.
    pub fn read_models(&self) -> impl PgExecutor<'_> + Copy + use<'_> {
        &self.pool
    }

    /// A connection on which `projections` changes read models in transactions. The caller limits its time.
    pub async fn connection(&self) -> Result<Connection, StoreError> {
        Ok(self.pool.acquire().await?)
    }

    /// The connections of the pool at this moment.
    pub fn connections(&self) -> Connections {
        Connections::of(&self.pool)
    }

    /// The keys of this store and the master key.
    pub const fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
    }

    /// Commands and current state of conversations.
    pub fn conversations(&self) -> &Aggregates<Conversation> {
        &self.conversations
    }

    /// Commands and current state of accounts.
    pub fn accounts(&self) -> &Aggregates<Account> {
        &self.accounts
    }

    /// Commands and current state of documents.
    pub fn documents(&self) -> &Aggregates<Document> {
        &self.documents
    }

    /// Commands of audit trails, which record accesses to the history.
    pub fn audit_trails(&self) -> &Aggregates<AuditTrail> {
        &self.audit_trails
    }

    /// Commands of operations, which record that they are complete.
    pub fn operations(&self) -> &Aggregates<Operation> {
        &self.operations
    }

    /// The users among these whose account is open, being erased or erased.
    pub async fn known_accounts(&self, users: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let known = sqlx::query_scalar("SELECT k.id FROM keys k WHERE k.kind = 'user' AND k.id = ANY($1)");
        Ok(known.bind(users).fetch_all(&self.pool).await?)
    }
}
