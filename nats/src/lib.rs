//! Everything said over NATS: the names of subjects and streams, what the messages look like, and how they are published.
//!
//! JetStream carries, Postgres knows: whatever is lost here is found again in the ledger.

mod connection;
mod envelope;
mod live;
mod projected;
mod publish;
mod streams;
mod subjects;

pub use connection::{ConnectError, connect};
pub use envelope::{Ciphertext, Envelope, InvalidEnvelope, Outgoing, position_of};
pub use live::{LiveKind, LiveMessage};
pub use projected::Projected;
pub use publish::{EventPublisher, PublishFailed};
pub use streams::{STREAM_TIMEOUT, StreamFailed, ensure_streams};
pub use subjects::Subjects;
