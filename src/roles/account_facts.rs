//! Records what the account service reports about accounts as their events: sign-ins, refused sign-ins, the
//! ends of sessions, and changes that were made in its tables by hand.
//!
//! The account service keeps a fact until it is recorded, however long this service is away. A fact is
//! recorded once, by its id, also by several processes at the same time. Facts about an account that made no
//! request yet wait for its first one.

use std::collections::HashSet;
use std::time::Duration;

use aggregates::account::AccountCommand;
use aggregates::{Actor, Metadata, UserId};
use async_nats::Client;
use nats::Subjects;
use rag::error_chain::ErrorChain;
use tokio::time::Instant;
use uuid::Uuid;

use crate::runtime::backoff::Backoff;
use crate::runtime::subscription::Subscription;
use crate::runtime::wake::SequencerWake;
use store::{AccountFact, AccountsDatabase, ExecuteError, FactKind, IdempotencyKey, Store, StoreError};

/// Intervals between looks for facts while no hint arrives.
const IDLE: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_mins(10));
/// Delays after a failed look.
const RETRY: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
/// Facts read at once.
const PAGE: u32 = 500;
/// Interval between deletions of old reports.
const CLEANING_INTERVAL: Duration = Duration::from_mins(15);
/// Time for which a revocation is kept: four times as long as a token of the account service lives.
pub const REVOCATIONS_KEPT: Duration = Duration::from_hours(1);
/// Refused sign-ins are reported when their minute and another one are over: the longest time after a hint in
/// which a look can find more.
const REFUSALS_SETTLE: Duration = Duration::from_mins(4);

/// Records facts about accounts.
#[derive(Debug, Clone)]
pub struct AccountFacts {
    /// Event store.
    pub store: Store,
    /// Tables of the account service.
    pub accounts: AccountsDatabase,
    /// Connection to NATS.
    pub nats: Client,
    /// Subject names.
    pub subjects: Subjects,
    /// Wakes the sequencer.
    pub wake: SequencerWake,
}

impl AccountFacts {
    /// Records facts for ever. May be cut off at any moment.
    pub async fn run(self) {
        let mut hints = Subscription::new(self.nats.clone(), self.subjects.accounts_changed());
        let (mut idle, mut retry) = (IDLE, RETRY);
        let (mut cleaned, mut hinted): (Option<Instant>, Option<Instant>) = (None, None);
        loop {
            let is_clean = cleaned.is_some_and(|at| at.elapsed() < CLEANING_INTERVAL);
            let delay = match self.record_pending(!is_clean).await {
                Ok(_) => {
                    if !is_clean {
                        cleaned = Some(Instant::now());
                    }
                    retry.reset();
                    // A hint can announce a refused sign-in, whose minute is not over yet.
                    if hinted.is_some_and(|at| at.elapsed() < REFUSALS_SETTLE) {
                        idle.reset();
                    }
                    idle.next_delay()
                }
                Err(error) => {
                    tracing::warn!(error = %ErrorChain(&error), "facts about accounts were not recorded");
                    retry.next_delay()
                }
            };
            if tokio::time::timeout(delay, hints.next()).await.is_ok() {
                hinted = Some(Instant::now());
                idle.reset();
            }
        }
    }

    /// Records all facts about open accounts; returns their number. `clean` also deletes old reports.
    pub async fn record_pending(&self, clean: bool) -> Result<usize, StoreError> {
        let (mut after, mut recorded) = (0, 0);
        loop {
            let (facts, last) = self.accounts.facts_after(after, PAGE).await?;
            let Some(last) = last else { break };
            recorded += self.record_page(&facts).await?;
            after = last;
        }
        if clean {
            self.accounts.remove_old_reports(REVOCATIONS_KEPT).await?;
        }
        Ok(recorded)
    }

    async fn record_page(&self, facts: &[AccountFact]) -> Result<usize, StoreError> {
        let mut users: Vec<UserId> = facts.iter().map(|fact| fact.user).collect();
        users.sort_unstable();
        users.dedup();
        let known: HashSet<UserId> = self.store.known_accounts(&users).await?.into_iter().collect();
        let mut recorded = Vec::new();
        for fact in facts.iter().filter(|fact| known.contains(&fact.user)) {
            match self.record(fact).await {
                Ok(()) => recorded.push(fact.id),
                Err(error) if error.is_unavailable() => {
                    self.accounts.remove_facts(&recorded).await?;
                    return Err(error);
                }
                // Stays for the next look, and holds up no other.
                Err(error) => {
                    tracing::error!(fact = %fact.id, error = %ErrorChain(&error), "a fact was not recorded");
                }
            }
        }
        if !recorded.is_empty() {
            self.accounts.remove_facts(&recorded).await?;
            self.wake.notify();
        }
        Ok(recorded.len())
    }

    async fn record(&self, fact: &AccountFact) -> Result<(), StoreError> {
        let (user, id) = (fact.user, fact.id);
        let (command, actor) = command(fact);
        let metadata =
            Metadata { owner: user, actor, correlation_id: id, causation_id: None, traceparent: None };
        let key = once(&self.store, id);
        let executed =
            self.store.accounts().execute(user.uuid(), (user, command), &metadata, Some(&key)).await;
        match executed {
            // Refused: the account is being erased, and its facts with it.
            Ok(_)
            | Err(
                ExecuteError::Refused(_)
                | ExecuteError::Store(StoreError::IdempotencyKeyUsed | StoreError::OwnerErased),
            ) => Ok(()),
            Err(ExecuteError::Store(error)) => Err(error),
        }
    }
}

/// The key by which a fact is recorded once.
fn once(store: &Store, fact: Uuid) -> IdempotencyKey {
    IdempotencyKey::new(store.keyring().master(), &format!("account-fact:{fact}"), b"")
}

fn command(fact: &AccountFact) -> (AccountCommand, Actor) {
    let (user, by) = (Actor::User(fact.user), UserId::SHARED);
    match fact.kind {
        FactKind::SignedIn(session) => (AccountCommand::RecordSignIn { session }, user),
        FactKind::SignInRefused(count) => (AccountCommand::RecordRefusedSignIns { count }, Actor::System),
        FactKind::SignedOut(session) => (AccountCommand::RecordSignOut { session }, user),
        FactKind::SessionRevoked(session) => {
            (AccountCommand::RecordRevocation { sessions: vec![session], by: fact.user }, user)
        }
        FactKind::RoleChanged(role) => (AccountCommand::ChangeRole { role, by }, Actor::System),
        FactKind::Banned => (AccountCommand::Ban { by }, Actor::System),
        FactKind::BanLifted => (AccountCommand::LiftBan { by }, Actor::System),
    }
}
