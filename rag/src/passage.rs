//! The words of this crate: documents, owners, passages. Data only; nothing here reads or writes anything.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A document whose passages are indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocumentId(Uuid);

/// The person a document, or a question, belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnerId(Uuid);

macro_rules! uuid_newtype {
    ($name:ident) => {
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}
uuid_newtype!(DocumentId);
uuid_newtype!(OwnerId);

/// Who may find a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everybody.
    Shared,
    /// Its owner alone.
    User(OwnerId),
}

/// Which version of a document a passage is of. While a new one is written the old one is what readers find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl Generation {
    /// Of a document that has no versions.
    pub const ONLY: Self = Self(1);
}

/// One passage within the index: the document and the passage's place in it, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PassageId {
    /// The document.
    pub document_id: DocumentId,
    /// The place in the document; its neighbours are one less and one more.
    pub ordinal: u32,
}

impl PassageId {
    /// The id of the point in Qdrant: always the same for the same passage of a version, so that indexing twice changes
    /// nothing, and versions lie beside each other.
    pub fn point_id(self, generation: Generation) -> Uuid {
        let place = (u128::from(generation.0) << 32) | u128::from(self.ordinal);
        Uuid::new_v5(&self.document_id.0, &place.to_be_bytes())
    }
}

impl std::fmt::Display for PassageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.document_id, self.ordinal)
    }
}

/// What a passage says, with the title and headings it stands under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassageText {
    /// The document's title.
    pub title: String,
    /// The headings above the passage, outermost first; the title is not repeated.
    pub heading: Vec<String>,
    /// The passage itself, Markdown.
    pub text: String,
}

impl PassageText {
    /// The bytes to seal when the passage is somebody's own.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads what [`PassageText::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, UnreadablePassage> {
        serde_json::from_slice(bytes).map_err(UnreadablePassage)
    }

    /// Title and headings as one line.
    pub fn context(&self) -> String {
        let mut line = self.title.clone();
        for heading in &self.heading {
            if !line.is_empty() {
                line.push_str(" > ");
            }
            line.push_str(heading);
        }
        line
    }
}

/// The opened bytes are not a passage.
#[derive(Debug, thiserror::Error)]
#[error("read a passage from its opened bytes")]
pub struct UnreadablePassage(#[source] serde_json::Error);

/// A passage as the index keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassageBody {
    /// Readable by whoever reads the index: shared documents.
    Open(PassageText),
    /// [`PassageText::to_bytes`] sealed by the caller; the index never sees what it says.
    Sealed(Vec<u8>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_keeps_its_point_and_neighbours_and_versions_have_others() {
        let document_id = DocumentId::from(Uuid::from_u128(7));
        let first = PassageId { document_id, ordinal: 0 };
        let second = PassageId { document_id, ordinal: 1 };
        let (old, new) = (Generation(1), Generation(2));
        assert_eq!(first.point_id(old), first.point_id(old));
        assert_ne!(first.point_id(old), second.point_id(old));
        assert_ne!(first.point_id(old), first.point_id(new));
        assert_eq!(first.point_id(old).get_version_num(), 5);
    }

    #[test]
    fn a_passage_survives_sealing_and_opening() {
        let passage =
            PassageText { title: "T".into(), heading: vec!["A".into(), "B".into()], text: "x\u{0}y".into() };
        assert_eq!(PassageText::from_bytes(&passage.to_bytes()).unwrap(), passage);
        assert_eq!(passage.context(), "T > A > B");
        assert!(PassageText::from_bytes(b"nonsense").is_err());
    }
}
