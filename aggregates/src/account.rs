//! An account: one per user, opened by the first authenticated request, until it is erased.

mod command;
mod event;
#[cfg(test)]
mod tests;

pub use command::{AccountCommand, AccountRefused};
pub use event::AccountEvent;

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::named::named_enum;
use crate::{Instructed, Private, ReceiptId, UserId};

/// The state of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    phase: AccountPhase,
    erased_stores: Vec<ErasureTarget>,
    /// `None` until a command changes it: the account service gives the first one.
    role: Option<UserRole>,
    is_banned: bool,
}

/// The phase of an account's life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountPhase {
    /// There was no authenticated request yet.
    #[default]
    Unopened,
    /// In use.
    Open,
    /// Its owner requested the erasure. Only the steps of the erasure are accepted.
    Erasing {
        /// The receipt by which the owner follows the erasure.
        receipt: ReceiptId,
    },
    /// Its erasure is complete.
    Erased {
        /// The receipt by which the owner followed the erasure.
        receipt: ReceiptId,
    },
}

named_enum! {
    /// The status of an account that has been opened, without the receipt of its erasure.
    pub enum AccountStatus {
        /// In use.
        Open = "open",
        /// Its erasure was requested.
        Erasing = "erasing",
        /// Its erasure is complete.
        Erased = "erased",
    }
}

named_enum! {
    /// The role of a user.
    pub enum UserRole {
        /// Access to the user's own data.
        User = "user",
        /// Also access to the ledger of all users.
        Auditor = "auditor",
        /// All of the above, and changes of shared documents and of other accounts.
        Admin = "admin",
    }
}

named_enum! {
    /// A store of user data that an erasure purges in a step of its own.
    pub enum ErasureTarget {
        /// The user's keys, and with them every ciphertext in every copy.
        Keys = "keys",
        /// The rows that were projected from the user's events.
        ReadModels = "read_models",
        /// The passages in Qdrant.
        Passages = "passages",
        /// The files of the user's documents.
        Files = "files",
        /// The deltas of answers in flight.
        LiveStream = "live_stream",
        /// The memory of the processes: every process was told to drop what it has. A process that does not
        /// hear it drops the user's keys when it looks for destroyed keys next, within ten minutes.
        Caches = "caches",
        /// Rows and sessions of the account service.
        Accounts = "accounts",
    }
}

impl Account {
    /// The phase of the account's life.
    pub const fn phase(&self) -> AccountPhase {
        self.phase
    }

    fn decide(&self, owner: UserId, command: AccountCommand) -> Result<Option<AccountEvent>, AccountRefused> {
        match self.phase {
            AccountPhase::Unopened => match command {
                AccountCommand::Open => Ok(Some(AccountEvent::AccountOpened { owner })),
                _ => Err(AccountRefused::NotFound),
            },
            AccountPhase::Open => self.decide_open(owner, command),
            AccountPhase::Erasing { .. } => self.decide_erasing(&command),
            AccountPhase::Erased { .. } => match command {
                AccountCommand::RequestErasure { .. }
                | AccountCommand::RecordErased
                | AccountCommand::RecordStoreErased { .. } => Ok(None),
                _ => Err(AccountRefused::Erasing),
            },
        }
    }

    fn decide_open(
        &self,
        owner: UserId,
        command: AccountCommand,
    ) -> Result<Option<AccountEvent>, AccountRefused> {
        let event = match command {
            AccountCommand::Open => None,
            AccountCommand::RequestErasure { receipt } => {
                Some(AccountEvent::AccountErasureRequested { receipt })
            }
            AccountCommand::RecordStoreErased { .. } | AccountCommand::RecordErased => {
                return Err(AccountRefused::NotErasing);
            }
            AccountCommand::RecordSignIn { session } => Some(AccountEvent::SignedIn { session }),
            AccountCommand::RecordRefusedSignIns { count } => Some(AccountEvent::SignInRefused { count }),
            AccountCommand::RecordSignOut { session } => Some(AccountEvent::SignedOut { session }),
            AccountCommand::RecordRevocation { sessions, by } => {
                Some(AccountEvent::SessionsRevoked { sessions, by })
            }
            AccountCommand::ChangeRole { by, .. } | AccountCommand::Ban { by } if by == owner => {
                return Err(AccountRefused::OwnAccount);
            }
            AccountCommand::ChangeRole { role, by } => {
                (self.role != Some(role)).then_some(AccountEvent::RoleChanged { role, by })
            }
            AccountCommand::Ban { by } => (!self.is_banned).then_some(AccountEvent::Banned { by }),
            AccountCommand::LiftBan { by } => self.is_banned.then_some(AccountEvent::BanLifted { by }),
            AccountCommand::Instruct { instructions, temperature } => {
                let private = Private::Open(Instructed { instructions });
                Some(AccountEvent::AccountInstructed { temperature, private })
            }
            AccountCommand::RecordExport => Some(AccountEvent::DataExported),
        };
        Ok(event)
    }

    fn decide_erasing(&self, command: &AccountCommand) -> Result<Option<AccountEvent>, AccountRefused> {
        match command {
            AccountCommand::RequestErasure { .. } => Ok(None),
            AccountCommand::RecordStoreErased { store } => {
                let is_new = !self.erased_stores.contains(store);
                Ok(is_new.then_some(AccountEvent::StoreErased { store: *store }))
            }
            AccountCommand::RecordErased => Ok(Some(AccountEvent::AccountErased)),
            _ => Err(AccountRefused::Erasing),
        }
    }
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = (UserId, AccountCommand);
    type Event = AccountEvent;
    type Error = AccountRefused;
    type Services = ();

    async fn handle(
        &mut self,
        (owner, command): Self::Command,
        _services: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), AccountRefused> {
        if let Some(event) = self.decide(owner, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: AccountEvent) {
        match event {
            AccountEvent::AccountOpened { .. } => self.phase = AccountPhase::Open,
            AccountEvent::AccountErasureRequested { receipt } => {
                self.phase = AccountPhase::Erasing { receipt }
            }
            AccountEvent::StoreErased { store } => self.erased_stores.push(store),
            AccountEvent::RoleChanged { role, .. } => self.role = Some(role),
            AccountEvent::Banned { .. } => self.is_banned = true,
            AccountEvent::BanLifted { .. } => self.is_banned = false,
            AccountEvent::SignedIn { .. }
            | AccountEvent::SignInRefused { .. }
            | AccountEvent::SignedOut { .. }
            | AccountEvent::SessionsRevoked { .. }
            | AccountEvent::AccountInstructed { .. }
            | AccountEvent::DataExported => {}
            AccountEvent::AccountErased => {
                if let AccountPhase::Erasing { receipt } = self.phase {
                    self.phase = AccountPhase::Erased { receipt };
                }
            }
        }
    }
}
