//! Everything that is sent over NATS: subjects, streams, the form of the messages, and the ordered publishing
//! of events.
//!
//! JetStream only carries events. Each of them is also in the ledger, from which consumers read what
//! JetStream lost.

mod connection;
mod envelope;
mod live;
mod login;
mod problems;
mod projected;
mod publish;
mod streams;
mod subjects;

pub use connection::{ConnectError, ConnectionConfig, connect, connect_once};
pub use envelope::{Ciphertext, Envelope, Incoming, InvalidEnvelope, Outgoing, place_of, position_in};
pub use live::{Appended, LiveKind, LiveMessage, append_piece};
pub use login::LoginError;
pub use problems::{ProblemArea, Problems};
pub use projected::Projected;
pub use publish::{EventPublisher, LastMessage, PublishError};
pub use streams::{
    LiveStorage, STREAM_TIMEOUT, StreamError, StreamSettings, apply_settings, consumer_problem,
    ensure_streams, recreate_stream,
};
pub use subjects::Subjects;

/// An error of the NATS client, as the source of an error of this crate.
type BoxError = Box<dyn std::error::Error + Send + Sync>;
