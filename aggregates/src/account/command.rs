//! The commands of an account, and the reasons for which it refuses them.

use super::{ErasureTarget, UserRole};
use crate::{Instructions, ReceiptId, SessionId, Temperature, UserId};

/// A command to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Record a sign-in.
    RecordSignIn {
        /// The session that began.
        session: SessionId,
    },
    /// Record sign-ins that the account service refused.
    RecordRefusedSignIns {
        /// Their number, since the last record.
        count: u32,
    },
    /// Record that the owner ended a session by signing out.
    RecordSignOut {
        /// The session that ended.
        session: SessionId,
    },
    /// Record that sessions were ended before their time.
    RecordRevocation {
        /// The sessions; empty if an administrator ended all of them and none was open.
        sessions: Vec<SessionId>,
        /// The user who ended them; the nil id for the service and the command line.
        by: UserId,
    },
    /// Set the role.
    ChangeRole {
        /// The new role.
        role: UserRole,
        /// The administrator; the nil id for the command line.
        by: UserId,
    },
    /// Refuse all sign-ins from now on.
    Ban {
        /// The administrator; the nil id for the command line.
        by: UserId,
    },
    /// Permit sign-ins again.
    LiftBan {
        /// The administrator; the nil id for the command line.
        by: UserId,
    },
    /// Replace the instructions and the temperature; `None` takes one back.
    Instruct {
        /// The text for the language model.
        instructions: Option<Instructions>,
        /// The temperature of the language model.
        temperature: Option<Temperature>,
    },
    /// Record that the owner exported all data.
    RecordExport,
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
    /// An administrator gave the command for the administrator's own account.
    #[error("administrators cannot change their own account")]
    OwnAccount,
}
