//! Commands to other people's accounts: roles, bans, and the ends of sessions.
//!
//! The event comes first, then the tables of the account service. A process that ends in between has recorded
//! what it has not done; the same command again does it, and records nothing twice.

use std::time::Duration;

use aggregates::account::{AccountCommand, AccountRefused, UserRole};
use aggregates::{Actor, Metadata, UserId};
use async_nats::Client;
use bytes::Bytes;
use nats::Subjects;
use uuid::Uuid;

use crate::runtime::hint::send_hint;
use crate::runtime::wake::SequencerWake;
use store::{AccountsDatabase, ExecuteError, Store, StoreError};

/// Time limit for handing one hint to the connection.
const HINT_TIMEOUT: Duration = Duration::from_secs(1);

/// A change of an account by an administrator or by an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountChange {
    /// Set the role.
    Role(UserRole),
    /// Refuse all sign-ins, and end the sessions.
    Ban,
    /// Permit sign-ins again.
    LiftBan,
    /// End all sessions.
    RevokeSessions,
}

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum NotChanged {
    /// The account service has no such user.
    #[error("account not found")]
    NotFound,
    /// The account refused the command.
    #[error(transparent)]
    Refused(#[from] AccountRefused),
    /// The event was not recorded, or the tables of the account service were not changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes accounts.
#[derive(Debug, Clone)]
pub struct AccountAdministration {
    /// Event store.
    pub store: Store,
    /// Tables of the account service.
    pub accounts: AccountsDatabase,
    /// Wakes the sequencer.
    pub wake: SequencerWake,
    /// Connection to NATS, for hints.
    pub nats: Client,
    /// Subject names.
    pub subjects: Subjects,
}

impl AccountAdministration {
    /// Changes an account. `actor` is an administrator, or the system for the command line. Returns the names
    /// of the recorded events; none if nothing changed.
    pub async fn change(
        &self,
        user: UserId,
        change: AccountChange,
        actor: Actor,
        correlation_id: Uuid,
    ) -> Result<Vec<&'static str>, NotChanged> {
        if !self.accounts.has_user(user).await? {
            return Err(NotChanged::NotFound);
        }
        let metadata = Metadata { owner: user, actor, correlation_id, causation_id: None, traceparent: None };
        // An account that made no request yet has no events.
        let mut events = self.execute(user, AccountCommand::Open, &metadata).await?;
        let by = match actor {
            Actor::User(by) | Actor::Auditor(by) => by,
            Actor::Worker | Actor::System => UserId::SHARED,
        };
        events.extend(self.record_and_apply(user, change, by, &metadata).await?);
        self.wake.notify();
        announce(&self.nats, &self.subjects).await;
        Ok(events)
    }

    async fn record_and_apply(
        &self,
        user: UserId,
        change: AccountChange,
        by: UserId,
        metadata: &Metadata,
    ) -> Result<Vec<&'static str>, NotChanged> {
        match change {
            AccountChange::Role(role) => {
                let events = self.execute(user, AccountCommand::ChangeRole { role, by }, metadata).await?;
                self.accounts.set_role(user, role).await?;
                Ok(events)
            }
            AccountChange::Ban => {
                let events = self.execute(user, AccountCommand::Ban { by }, metadata).await?;
                self.accounts.ban(user).await?;
                Ok(events)
            }
            AccountChange::LiftBan => {
                let events = self.execute(user, AccountCommand::LiftBan { by }, metadata).await?;
                self.accounts.lift_ban(user).await?;
                Ok(events)
            }
            AccountChange::RevokeSessions => {
                let sessions = self.accounts.sessions(user).await?;
                let command = AccountCommand::RecordRevocation { sessions: sessions.clone(), by };
                let events = self.execute(user, command, metadata).await?;
                self.accounts.revoke_sessions(user, &sessions).await?;
                Ok(events)
            }
        }
    }

    async fn execute(
        &self,
        user: UserId,
        command: AccountCommand,
        metadata: &Metadata,
    ) -> Result<Vec<&'static str>, NotChanged> {
        let executed = self.store.accounts().execute(user.uuid(), (user, command), metadata, None).await;
        match executed {
            Ok(executed) => Ok(executed.events.iter().map(aggregates::account::AccountEvent::name).collect()),
            Err(ExecuteError::Refused(refused)) => Err(refused.into()),
            Err(ExecuteError::Store(error)) => Err(error.into()),
        }
    }
}

/// Hints to all processes that the account service has reports. Without NATS they find them by themselves.
pub async fn announce(nats: &Client, subjects: &Subjects) {
    send_hint(nats, subjects.accounts_changed(), Bytes::new(), HINT_TIMEOUT).await;
}
