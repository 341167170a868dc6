//! A document: a file of somebody's, or of everybody's, on its way into the index and out of it again.

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};

use crate::named::named_enum;
use crate::{Private, UserId, Version};

named_enum! {
    /// The users whose questions are answered from a document.
    pub enum DocumentScope {
        /// Its owner alone.
        User = "user",
        /// All users.
        Shared = "shared",
    }
}

named_enum! {
    /// The status of a document.
    pub enum DocumentStatus {
        /// Stored, not searchable yet.
        Added = "added",
        /// Searchable.
        Indexed = "indexed",
        /// Its file could not be read.
        Rejected = "rejected",
        /// Removed by its owner.
        Removed = "removed",
    }
}

/// The private part of `DocumentAdded`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentTitle {
    /// What the document is called.
    pub title: String,
}

impl std::fmt::Debug for DocumentTitle {
    /// Never the title itself, so that it cannot reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DocumentTitle({} bytes)", self.title.len())
    }
}

/// The state of one document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    version: Version,
    owner: Option<UserId>,
    status: Option<DocumentStatus>,
    sha256: Option<String>,
    /// Which of its events brought what it says now.
    brought: Version,
    indexed: Option<Indexed>,
}

/// What is in the index of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Indexed {
    /// How many passages.
    pub passages: u32,
    /// The model that embedded them.
    pub embedding_model: String,
}

/// What can be asked of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentCommand {
    /// Keep a new one, or what it says now in place of what it said before.
    Add {
        /// Whose it is.
        owner: UserId,
        /// Who may be answered from it.
        scope: DocumentScope,
        /// Its media type, by content.
        media_type: String,
        /// Its bytes.
        size: u64,
        /// SHA-256 of its bytes, in hex.
        sha256: String,
        /// What it is called.
        title: String,
    },
    /// Its passages are in the index.
    RecordIndexed {
        /// Of which version: [`Document::brought`] when it was read. Of an older one nothing is recorded.
        brought: Version,
        /// How many.
        passages: u32,
        /// The model that embedded them.
        embedding_model: String,
    },
    /// It cannot be read.
    Reject {
        /// Which version, as in [`DocumentCommand::RecordIndexed`].
        brought: Version,
        /// Why, for a person.
        reason: String,
    },
    /// Take it away.
    Remove,
}

/// What has happened to a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[expect(missing_docs, reason = "fields carry the names of the event model, documented on the commands")]
pub enum DocumentEvent {
    /// It is kept.
    DocumentAdded {
        owner: UserId,
        scope: DocumentScope,
        media_type: String,
        size: u64,
        sha256: String,
        #[serde(default)]
        private: Private<DocumentTitle>,
    },
    /// It is searchable.
    DocumentIndexed { passages: u32, embedding_model: String },
    /// It could not be read.
    DocumentRejected { reason: String },
    /// It was taken away.
    DocumentRemoved,
}

/// Why a document refuses a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentRefused {
    /// There is none.
    #[error("find the document")]
    NotFound,
    /// It was taken away.
    #[error("change a document that was removed")]
    Removed,
}

impl Document {
    /// How many events it has.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Whose it is.
    pub const fn owner(&self) -> Option<UserId> {
        self.owner
    }

    /// Its status; `None` before it is added.
    pub const fn status(&self) -> Option<DocumentStatus> {
        self.status
    }

    /// SHA-256 of its bytes, in hex, as it was kept last.
    pub fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }

    /// Which of its events brought what it says now: its version, for whoever indexes it.
    pub const fn brought(&self) -> Version {
        self.brought
    }

    /// What is in the index of what it says now.
    pub const fn indexed(&self) -> Option<&Indexed> {
        self.indexed.as_ref()
    }

    fn decide(&self, command: DocumentCommand) -> Result<Option<DocumentEvent>, DocumentRefused> {
        use DocumentCommand as Command;
        use DocumentStatus as Status;
        match (self.status, command) {
            (Some(Status::Added | Status::Indexed | Status::Rejected), Command::Add { sha256, .. })
                if self.sha256.as_ref() == Some(&sha256) =>
            {
                Ok(None)
            }
            (
                None | Some(Status::Added | Status::Indexed | Status::Rejected),
                Command::Add { owner, scope, media_type, size, sha256, title },
            ) => {
                let private = Private::Open(DocumentTitle { title });
                Ok(Some(DocumentEvent::DocumentAdded { owner, scope, media_type, size, sha256, private }))
            }
            (None, _) => Err(DocumentRefused::NotFound),
            (Some(Status::Removed), Command::Remove) => Ok(None),
            (Some(Status::Removed), _) => Err(DocumentRefused::Removed),
            (Some(_), Command::RecordIndexed { brought, .. } | Command::Reject { brought, .. })
                if brought != self.brought =>
            {
                Ok(None)
            }
            (Some(_), Command::RecordIndexed { passages, embedding_model, .. }) => {
                let indexed = Indexed { passages, embedding_model };
                let known = self.indexed.as_ref() == Some(&indexed);
                let Indexed { passages, embedding_model } = indexed;
                Ok((!known).then_some(DocumentEvent::DocumentIndexed { passages, embedding_model }))
            }
            (Some(Status::Rejected), Command::Reject { .. }) => Ok(None),
            (Some(_), Command::Reject { reason, .. }) => Ok(Some(DocumentEvent::DocumentRejected { reason })),
            (Some(_), Command::Remove) => Ok(Some(DocumentEvent::DocumentRemoved)),
        }
    }
}

impl Aggregate for Document {
    const TYPE: &'static str = "document";
    type Command = DocumentCommand;
    type Event = DocumentEvent;
    type Error = DocumentRefused;
    type Services = ();

    async fn handle(
        &mut self,
        command: DocumentCommand,
        _services: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), DocumentRefused> {
        if let Some(event) = self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: DocumentEvent) {
        self.version = self.version.next();
        self.status = Some(match event {
            DocumentEvent::DocumentAdded { owner, sha256, .. } => {
                self.owner = Some(owner);
                self.sha256 = Some(sha256);
                self.brought = self.version;
                self.indexed = None;
                DocumentStatus::Added
            }
            DocumentEvent::DocumentIndexed { passages, embedding_model } => {
                self.indexed = Some(Indexed { passages, embedding_model });
                DocumentStatus::Indexed
            }
            DocumentEvent::DocumentRejected { .. } => {
                self.indexed = None;
                DocumentStatus::Rejected
            }
            DocumentEvent::DocumentRemoved => {
                self.indexed = None;
                DocumentStatus::Removed
            }
        });
    }
}

impl DocumentEvent {
    /// The event's name: in the event store and in subjects.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::DocumentAdded { .. } => "DocumentAdded",
            Self::DocumentIndexed { .. } => "DocumentIndexed",
            Self::DocumentRejected { .. } => "DocumentRejected",
            Self::DocumentRemoved => "DocumentRemoved",
        }
    }
}

impl DomainEvent for DocumentEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

#[cfg(test)]
mod tests;
