//! An account: one per user, opened by the first authenticated request, until it is erased.

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};

use crate::named::named_enum;
use crate::{ReceiptId, UserId, Version};

/// The state of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    version: Version,
    phase: AccountPhase,
    erased_stores: Vec<ErasureTarget>,
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
        /// The memory of the processes.
        Caches = "caches",
        /// Rows and sessions of the account service.
        Accounts = "accounts",
    }
}

/// A command to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountCommand {
    /// Open the account, unless it is open.
    Open,
    /// Erase all data of the owner.
    RequestErasure {
        /// The receipt by which the owner follows the erasure.
        receipt: ReceiptId,
    },
    /// Record that a store holds no data of the owner any more.
    RecordStoreErased {
        /// The store.
        store: ErasureTarget,
    },
    /// Record that the erasure is complete.
    RecordErased,
}

/// An event of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[expect(missing_docs, reason = "fields carry the names of the event model, documented on their types")]
pub enum AccountEvent {
    /// The first authenticated request of the owner arrived.
    AccountOpened { owner: UserId },
    /// The owner requested the erasure of all data.
    AccountErasureRequested { receipt: ReceiptId },
    /// A store holds no data of the owner any more.
    StoreErased { store: ErasureTarget },
    /// The erasure is complete.
    AccountErased,
}

/// The reason for which an account refuses a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountRefused {
    /// The account was never opened.
    #[error("account not found")]
    NotFound,
    /// The account is being erased, or is erased.
    #[error("the account is being erased")]
    Erasing,
    /// No erasure was requested.
    #[error("the erasure of the account was not requested")]
    NotErasing,
}

impl Account {
    /// The number of the account's events.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The phase of the account's life.
    pub const fn phase(&self) -> AccountPhase {
        self.phase
    }

    fn decide(&self, owner: UserId, command: AccountCommand) -> Result<Option<AccountEvent>, AccountRefused> {
        use AccountPhase as Phase;
        match (self.phase, command) {
            (Phase::Unopened, AccountCommand::Open) => Ok(Some(AccountEvent::AccountOpened { owner })),
            (Phase::Open, AccountCommand::Open)
            | (Phase::Erasing { .. } | Phase::Erased { .. }, AccountCommand::RequestErasure { .. })
            | (
                Phase::Erased { .. },
                AccountCommand::RecordErased | AccountCommand::RecordStoreErased { .. },
            ) => Ok(None),
            (Phase::Erasing { .. } | Phase::Erased { .. }, AccountCommand::Open) => {
                Err(AccountRefused::Erasing)
            }
            (Phase::Open, AccountCommand::RequestErasure { receipt }) => {
                Ok(Some(AccountEvent::AccountErasureRequested { receipt }))
            }
            (Phase::Erasing { .. }, AccountCommand::RecordStoreErased { store }) => {
                Ok((!self.erased_stores.contains(&store)).then_some(AccountEvent::StoreErased { store }))
            }
            (Phase::Erasing { .. }, AccountCommand::RecordErased) => Ok(Some(AccountEvent::AccountErased)),
            (Phase::Open, AccountCommand::RecordStoreErased { .. } | AccountCommand::RecordErased) => {
                Err(AccountRefused::NotErasing)
            }
            (Phase::Unopened, _) => Err(AccountRefused::NotFound),
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
        self.version = self.version.next();
        match event {
            AccountEvent::AccountOpened { .. } => self.phase = AccountPhase::Open,
            AccountEvent::AccountErasureRequested { receipt } => {
                self.phase = AccountPhase::Erasing { receipt }
            }
            AccountEvent::StoreErased { store } => self.erased_stores.push(store),
            AccountEvent::AccountErased => {
                if let AccountPhase::Erasing { receipt } = self.phase {
                    self.phase = AccountPhase::Erased { receipt };
                }
            }
        }
    }
}

impl AccountEvent {
    /// The event's name in the event store and in subjects.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AccountOpened { .. } => "AccountOpened",
            Self::AccountErasureRequested { .. } => "AccountErasureRequested",
            Self::StoreErased { .. } => "StoreErased",
            Self::AccountErased => "AccountErased",
        }
    }
}

impl DomainEvent for AccountEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    use super::*;

    const OWNER: UserId = UserId::new(Uuid::from_u128(7));
    const RECEIPT: ReceiptId = ReceiptId::new(Uuid::from_u128(9));

    fn opened() -> AccountEvent {
        AccountEvent::AccountOpened { owner: OWNER }
    }

    fn requested() -> AccountEvent {
        AccountEvent::AccountErasureRequested { receipt: RECEIPT }
    }

    #[test]
    fn the_first_request_opens_the_account_and_later_ones_change_nothing() {
        let framework = TestFramework::<Account>::with(());
        framework
            .given_no_previous_events()
            .when((OWNER, AccountCommand::Open))
            .then_expect_events(vec![opened()]);
        let framework = TestFramework::<Account>::with(());
        framework.given(vec![opened()]).when((OWNER, AccountCommand::Open)).then_expect_events(vec![]);
    }

    #[test]
    fn an_account_that_is_being_erased_cannot_be_opened_again() {
        TestFramework::<Account>::with(())
            .given(vec![opened(), requested()])
            .when((OWNER, AccountCommand::Open))
            .then_expect_error(AccountRefused::Erasing);
    }

    #[test]
    fn a_store_is_recorded_as_erased_once() {
        let erased = AccountEvent::StoreErased { store: ErasureTarget::Files };
        TestFramework::<Account>::with(())
            .given(vec![opened(), requested(), erased])
            .when((OWNER, AccountCommand::RecordStoreErased { store: ErasureTarget::Files }))
            .then_expect_events(vec![]);
    }

    #[test]
    fn an_erasure_that_was_not_requested_is_not_recorded() {
        TestFramework::<Account>::with(())
            .given(vec![opened()])
            .when((OWNER, AccountCommand::RecordErased))
            .then_expect_error(AccountRefused::NotErasing);
    }
}
