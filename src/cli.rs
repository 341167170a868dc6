//! The command line: what an operator can ask of the one binary.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::audit::command_line::AuditCommand;

/// Event-driven question-answering chat.
#[derive(Debug, Parser)]
#[command(name = "colloquy", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service: all roles in one process, or some of them.
    Serve {
        /// The roles to run, separated by commas; all when not given.
        #[arg(long, value_enum, value_delimiter = ',')]
        role: Vec<Role>,
        /// Leave the database's schema alone.
        #[arg(long)]
        no_migrate: bool,
    },
    /// Bring the database's schema up to date, through a direct connection.
    Migrate,
    /// Give an account a role.
    Grant {
        /// The account's e-mail address.
        email: String,
        /// The role.
        #[arg(value_enum)]
        role: GrantedRole,
    },
    /// Put documents (Markdown, text, HTML, PDF, Word) into the knowledge everybody is answered from.
    Ingest {
        /// Files, or folders to take all of.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// Move all documents to the embedding model that the configuration names, while answers go on coming from the one before.
    /// Where it is the same, put right what the index lacks.
    Reindex,
    /// Make read models anew from the ledger while readers keep reading. Goes on where an interrupted one was.
    Rebuild {
        /// The read model's name; all of them when not given.
        #[arg(conflicts_with = "all")]
        read_model: Option<String>,
        /// All read models.
        #[arg(long)]
        all: bool,
        /// Change nothing: compare what the ledger makes of them with the live ones, row by row.
        #[arg(long)]
        check: bool,
    },
    /// Look after the keys that everything private is sealed by.
    Keys {
        /// What to do with them.
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Bring back JetStream's streams, the read models and the index of documents from Postgres and the files, after they were
    /// lost.
    Restore,
    /// Replay, export and prove history.
    Audit {
        /// What to do.
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Print the description of the HTTP API (`OpenAPI` 3.1).
    Openapi,
}

/// What can be done with the keys.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum KeysCommand {
    /// Wrap every user's key by `MASTER_KEY` that `MASTER_KEY_PREVIOUS` wraps still, while the service runs.
    RotateMaster,
}

/// What a process does for the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Role {
    /// Commands in, queries and streams out.
    Api,
    /// The outbox into the ledger, the ledger into JetStream.
    Sealer,
    /// The ledger into the read models.
    Projector,
    /// Questions into answers.
    Worker,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Api, Self::Sealer, Self::Projector, Self::Worker];
}

/// A role that can be given to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GrantedRole {
    /// Asks questions.
    User,
    /// May replay everybody's history.
    Auditor,
    /// May do everything.
    Admin,
}
