//! The pure domain: aggregates, their commands, events and refusals.
//!
//! An aggregate decides from its own events alone. Nothing here does I/O, reads a clock or generates random
//! numbers: time and ids come in with the command. An aggregate keeps the ids, states and versions that its
//! decisions need, and never a text that a user wrote.
//!
//! To add a command: a variant of the aggregate's command, its decision in `handle`, its event, the
//! assignment in `apply`, a given/when/then test, and a golden file for the event under `tests/golden/`.

pub mod account;
pub mod audit_trail;
#[cfg(feature = "sqlx")]
mod columns;
pub mod conversation;
pub mod document;
mod ids;
mod instructions;
mod metadata;
mod model_name;
mod named;
pub mod operation;
mod private;
mod recorded;
mod text;
mod upcast;

pub use ids::{
    AnswerId, AnswerRef, ConversationId, DocumentId, EventId, InvalidId, OperationId, OutOfRange, Position,
    QuestionId, ReceiptId, SessionId, UserId, Version,
};
pub use instructions::{Instructed, InvalidTemperature, Temperature};
pub use metadata::{Actor, ActorKind, Metadata};
pub use model_name::{InvalidModelName, ModelName};
pub use named::UnknownName;
pub use private::Private;
pub use recorded::{AggregateType, Event, RecordedEvent};
pub use text::{Comment, Instructions, InvalidText, QuestionText, Tag, Tags, Title};
pub use upcast::upcast;
