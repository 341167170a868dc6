//! The pure domain: aggregates that decide from their own past alone, their commands, events and refusals.
//!
//! Nothing here does I/O, reads a clock or rolls a die: time and ids come in with the command. An aggregate
//! keeps what deciding needs (ids, states, version) and never a text that somebody wrote.
//!
//! To add a command: a variant of the aggregate's intent, its decision in `handle`, its event in `event.rs`,
//! its assignment in `apply`, a given/when/then test, and a golden file for the event under `tests/golden/`.

pub mod account;
pub mod audit_trail;
#[cfg(feature = "sqlx")]
mod columns;
pub mod conversation;
pub mod document;
mod ids;
mod metadata;
mod named;
mod private;
mod recorded;
mod text;
mod upcast;

pub use ids::{
    AnswerId, ConversationId, DocumentId, EventId, InvalidId, OutOfRange, Position, QuestionId, ReceiptId,
    UserId, Version,
};
pub use metadata::{Actor, Metadata};
pub use named::UnknownName;
pub use private::Private;
pub use recorded::{AggregateType, Event, RecordedEvent};
pub use text::{Comment, InvalidText, QuestionText, Tags, Title};
pub use upcast::upcast;
