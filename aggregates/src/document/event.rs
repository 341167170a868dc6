//! The events of a document.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::{DocumentOmissions, DocumentScope};
use crate::{Private, Tags, UserId};

/// The private part of `DocumentAdded`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentTitle {
    /// The title of the document.
    pub title: String,
}

impl std::fmt::Debug for DocumentTitle {
    /// Prints the length of the title only, so that the title cannot reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DocumentTitle({} bytes)", self.title.len())
    }
}

/// The private part of `DocumentTagged`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentTags {
    /// The tags, as the owner wrote them.
    pub tags: Tags,
}

/// An event of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[expect(missing_docs, reason = "fields carry the names of the event model, documented on the commands")]
pub enum DocumentEvent {
    /// The document was added, or its content was replaced.
    DocumentAdded {
        owner: UserId,
        scope: DocumentScope,
        media_type: String,
        size: u64,
        sha256: String,
        #[serde(default)]
        private: Private<DocumentTitle>,
    },
    /// The document became searchable.
    DocumentIndexed {
        passages: u32,
        embedding_model: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pages: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<String>,
        /// The number of parts of the file that were left out.
        #[serde(default, skip_serializing_if = "is_zero")]
        omitted: u32,
        /// Those parts; nothing where there are none.
        #[serde(default, skip_serializing_if = "Private::is_sealed")]
        private: Private<DocumentOmissions>,
    },
    /// The file could not be read.
    DocumentRejected { reason: String },
    /// The owner replaced the tags.
    DocumentTagged {
        #[serde(default)]
        private: Private<DocumentTags>,
    },
    /// The document was removed.
    DocumentRemoved,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl DocumentEvent {
    /// Whether the event has a private part.
    pub(crate) const fn has_private(&self) -> bool {
        match self {
            Self::DocumentAdded { .. } | Self::DocumentTagged { .. } => true,
            Self::DocumentIndexed { omitted, .. } => *omitted > 0,
            Self::DocumentRejected { .. } | Self::DocumentRemoved => false,
        }
    }

    /// Sets the private part from its decrypted JSON. Does nothing for an event without one.
    pub(crate) fn open_private(&mut self, json: &[u8]) -> Result<(), serde_json::Error> {
        match self {
            Self::DocumentAdded { private, .. } => *private = Private::read(json)?,
            Self::DocumentTagged { private } => *private = Private::read(json)?,
            Self::DocumentIndexed { omitted: 1.., private, .. } => *private = Private::read(json)?,
            Self::DocumentIndexed { .. } | Self::DocumentRejected { .. } | Self::DocumentRemoved => {}
        }
        Ok(())
    }

    /// The event's name in the event store and in subjects.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::DocumentAdded { .. } => "DocumentAdded",
            Self::DocumentIndexed { .. } => "DocumentIndexed",
            Self::DocumentRejected { .. } => "DocumentRejected",
            Self::DocumentTagged { .. } => "DocumentTagged",
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
