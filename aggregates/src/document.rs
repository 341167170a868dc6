//! A document: a file of one user or a shared one, from its addition through indexing to its removal.

mod event;
mod omission;

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::named::named_enum;
use crate::{Private, Tags, UserId, Version};
pub use event::{DocumentEvent, DocumentTags, DocumentTitle};
pub use omission::{DocumentOmissions, Omission, OmissionCause, OmittedPart};

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

/// The state of one document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    version: Version,
    owner: Option<UserId>,
    status: Option<DocumentStatus>,
    sha256: Option<String>,
    content_version: Version,
    indexed: Option<Indexed>,
}

/// The part of a document that is in the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Indexed {
    /// The number of passages.
    pub passages: u32,
    /// The model that embedded the passages.
    pub embedding_model: String,
}

/// A command to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentCommand {
    /// Add the document, or replace its content.
    Add {
        /// The document's owner.
        owner: UserId,
        /// The users whose questions are answered from the document.
        scope: DocumentScope,
        /// The media type, determined by content.
        media_type: String,
        /// The size of the file, in bytes.
        size: u64,
        /// SHA-256 of the file, in hexadecimal.
        sha256: String,
        /// The title of the document.
        title: String,
        /// The tags that replace those of the document; none leave them as they are.
        tags: Tags,
    },
    /// Record that the passages are in the index.
    RecordIndexed {
        /// The indexed version, from [`Document::content_version`]. An outdated version changes nothing.
        content_version: Version,
        /// The number of passages.
        passages: u32,
        /// The model that embedded the passages.
        embedding_model: String,
        /// The number of pages or slides, where the format has them.
        pages: Option<u32>,
        /// The language of the text, by its code of ISO 639-1, where it was recognised.
        language: Option<String>,
        /// The parts of the file that were left out.
        omissions: Vec<Omission>,
    },
    /// Record that the file cannot be read.
    Reject {
        /// The rejected version, from [`Document::content_version`]. An outdated version changes nothing.
        content_version: Version,
        /// The reason, in words for the owner.
        reason: String,
    },
    /// Index the file again: it becomes a new version with the same content. Changes nothing while the
    /// document waits for the index.
    Reindex {
        /// The scope of the document.
        scope: DocumentScope,
        /// The media type of the file.
        media_type: String,
        /// The size of the file, in bytes.
        size: u64,
        /// The title of the document.
        title: String,
    },
    /// Replace the tags.
    Tag(Tags),
    /// Remove the document.
    Remove,
}

/// The reason for which a document refuses a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentRefused {
    /// The document was never added.
    #[error("document not found")]
    NotFound,
    /// The document was removed.
    #[error("the document was removed")]
    Removed,
}

impl Document {
    /// The number of the document's events.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The document's owner; `None` before it is added.
    pub const fn owner(&self) -> Option<UserId> {
        self.owner
    }

    /// The document's status; `None` before it is added.
    pub const fn status(&self) -> Option<DocumentStatus> {
        self.status
    }

    /// SHA-256 of the current file, in hexadecimal.
    pub fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }

    /// The version of the current content: the sequence of the newest `DocumentAdded`.
    pub const fn content_version(&self) -> Version {
        self.content_version
    }

    /// The part of the current content that is in the index; `None` before it is indexed.
    pub const fn indexed(&self) -> Option<&Indexed> {
        self.indexed.as_ref()
    }

    /// The event by which the current content becomes a new version.
    fn added_again(
        &self,
        scope: DocumentScope,
        media_type: String,
        size: u64,
        title: String,
    ) -> Option<DocumentEvent> {
        let (owner, sha256) = (self.owner?, self.sha256.clone()?);
        let private = Private::Open(DocumentTitle { title });
        Some(DocumentEvent::DocumentAdded { owner, scope, media_type, size, sha256, private })
    }

    fn decide(&self, command: DocumentCommand) -> Result<Vec<DocumentEvent>, DocumentRefused> {
        use DocumentCommand as Command;
        use DocumentStatus as Status;
        match (self.status, command) {
            // The id of another owner's document is no id of a document to the caller.
            (Some(_), Command::Add { owner, .. }) if self.owner != Some(owner) => {
                Err(DocumentRefused::NotFound)
            }
            (Some(Status::Added | Status::Indexed | Status::Rejected), Command::Add { sha256, tags, .. })
                if self.sha256.as_ref() == Some(&sha256) =>
            {
                Ok(tagged_unless_empty(tags).into_iter().collect())
            }
            (
                None | Some(Status::Added | Status::Indexed | Status::Rejected),
                Command::Add { owner, scope, media_type, size, sha256, title, tags },
            ) => {
                let private = Private::Open(DocumentTitle { title });
                let added = DocumentEvent::DocumentAdded { owner, scope, media_type, size, sha256, private };
                Ok(std::iter::once(added).chain(tagged_unless_empty(tags)).collect())
            }
            (None, _) => Err(DocumentRefused::NotFound),
            (Some(Status::Removed), Command::Remove) | (Some(Status::Added), Command::Reindex { .. }) => {
                Ok(vec![])
            }
            (Some(Status::Removed), _) => Err(DocumentRefused::Removed),
            (
                Some(_),
                Command::RecordIndexed { content_version, .. } | Command::Reject { content_version, .. },
            ) if content_version != self.content_version => Ok(vec![]),
            (Some(_), Command::Reindex { scope, media_type, size, title }) => {
                Ok(self.added_again(scope, media_type, size, title).into_iter().collect())
            }
            (Some(_), Command::Tag(tags)) => Ok(vec![tagged(tags)]),
            (
                Some(_),
                Command::RecordIndexed { passages, embedding_model, pages, language, omissions, .. },
            ) => {
                let indexed = Indexed { passages, embedding_model };
                let known = self.indexed.as_ref() == Some(&indexed);
                let Indexed { passages, embedding_model } = indexed;
                let (omitted, private) = left_out(omissions);
                let recorded = DocumentEvent::DocumentIndexed {
                    passages,
                    embedding_model,
                    pages,
                    language,
                    omitted,
                    private,
                };
                Ok((!known).then_some(recorded).into_iter().collect())
            }
            (Some(Status::Rejected), Command::Reject { .. }) => Ok(vec![]),
            (Some(_), Command::Reject { reason, .. }) => Ok(vec![DocumentEvent::DocumentRejected { reason }]),
            (Some(_), Command::Remove) => Ok(vec![DocumentEvent::DocumentRemoved]),
        }
    }
}

/// The number of omissions with their private part.
fn left_out(omissions: Vec<Omission>) -> (u32, Private<DocumentOmissions>) {
    let count = omissions.iter().map(|omission| match omission.part {
        OmittedPart::More { count } => count,
        _ => 1,
    });
    match count.sum() {
        0 => (0, Private::Sealed),
        count => (count, Private::Open(DocumentOmissions { omissions })),
    }
}

fn tagged(tags: Tags) -> DocumentEvent {
    DocumentEvent::DocumentTagged { private: Private::Open(DocumentTags { tags }) }
}

fn tagged_unless_empty(tags: Tags) -> Option<DocumentEvent> {
    (!tags.as_slice().is_empty()).then(|| tagged(tags))
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
        for event in self.decide(command)? {
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
                self.content_version = self.version;
                self.indexed = None;
                DocumentStatus::Added
            }
            DocumentEvent::DocumentIndexed { passages, embedding_model, .. } => {
                self.indexed = Some(Indexed { passages, embedding_model });
                DocumentStatus::Indexed
            }
            DocumentEvent::DocumentTagged { .. } => return,
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

#[cfg(test)]
mod tests;
