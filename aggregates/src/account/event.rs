//! The events of an account.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::{ErasureTarget, UserRole};
use crate::{Instructed, Private, ReceiptId, SessionId, Temperature, UserId};

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
    /// A session began.
    SignedIn { session: SessionId },
    /// The account service refused sign-ins: a wrong password, or a banned account.
    SignInRefused { count: u32 },
    /// The owner ended a session.
    SignedOut { session: SessionId },
    /// Sessions were ended before their time.
    SessionsRevoked { sessions: Vec<SessionId>, by: UserId },
    /// The account has another role.
    RoleChanged { role: UserRole, by: UserId },
    /// The account can no longer sign in.
    Banned { by: UserId },
    /// The account can sign in again.
    BanLifted { by: UserId },
    /// The owner replaced the instructions to the language model and its temperature.
    AccountInstructed {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        temperature: Option<Temperature>,
        #[serde(default)]
        private: Private<Instructed>,
    },
    /// The owner exported all data.
    DataExported,
}

impl AccountEvent {
    /// The names of the events that no decision depends on. An account has many of them; its state is loaded
    /// without them.
    pub const IMMATERIAL: &'static [&'static str] =
        &["SignedIn", "SignInRefused", "SignedOut", "SessionsRevoked", "DataExported", "AccountInstructed"];

    /// The event's name in the event store and in subjects.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AccountOpened { .. } => "AccountOpened",
            Self::AccountErasureRequested { .. } => "AccountErasureRequested",
            Self::StoreErased { .. } => "StoreErased",
            Self::AccountErased => "AccountErased",
            Self::SignedIn { .. } => "SignedIn",
            Self::SignInRefused { .. } => "SignInRefused",
            Self::SignedOut { .. } => "SignedOut",
            Self::SessionsRevoked { .. } => "SessionsRevoked",
            Self::RoleChanged { .. } => "RoleChanged",
            Self::Banned { .. } => "Banned",
            Self::BanLifted { .. } => "BanLifted",
            Self::AccountInstructed { .. } => "AccountInstructed",
            Self::DataExported => "DataExported",
        }
    }

    /// Whether the event has a private part.
    pub const fn has_private(&self) -> bool {
        matches!(self, Self::AccountInstructed { .. })
    }

    /// Sets the private part from its decrypted JSON. Does nothing for an event without one.
    pub fn open_private(&mut self, json: &[u8]) -> Result<(), serde_json::Error> {
        if let Self::AccountInstructed { private, .. } = self {
            *private = Private::read(json)?;
        }
        Ok(())
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
