//! The loops that run as long as the process does.

pub mod account_facts;
pub mod account_service;
pub mod answering;
pub mod checkpoint_signer;
mod command_metadata;
pub mod eraser;
pub mod file_sweep;
pub mod indexer;
pub mod key_watch;
pub mod nats_watch;
pub mod projector;
pub mod retention;
pub mod sequencer;
mod undelivered;

use clap::ValueEnum;

/// A share of the service's work that a process takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Role {
    /// Serves commands, queries and streams over HTTP.
    Api,
    /// Moves events from the outbox to the ledger and publishes them to JetStream.
    Sequencer,
    /// Applies events to the read models.
    Projector,
    /// Answers questions, indexes documents, carries out erasures.
    Worker,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Api, Self::Sequencer, Self::Projector, Self::Worker];

    /// The name of the role.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Sequencer => "sequencer",
            Self::Projector => "projector",
            Self::Worker => "worker",
        }
    }
}
