//! The data types that the modules of this crate share: documents, owners, passages, sources, turns. They do
//! no I/O.

mod part;
mod place;
mod segment_vectors;

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop};

pub use part::{Content, Part, Table};
pub(crate) use part::{header_lines, row_line};
pub use place::Place;
pub use segment_vectors::SegmentVectors;

/// Identifies a document whose passages are indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocumentId(Uuid);

/// Identifies the user who owns a document or asks a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnerId(Uuid);

/// The key of one user's term ids. It is wiped when it is dropped and never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct TermKey([u8; 32]);

impl TermKey {
    /// The caller derives the bytes from the user's key.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for TermKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TermKey(…)")
    }
}

/// A user who asks, and the key of the user's term ids.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The user, whose own passages are found beside the shared ones.
    pub owner: OwnerId,
    /// The key under which the user's passages are indexed; without it they are found by meaning alone.
    pub terms: Option<TermKey>,
    /// The documents to answer from; all that the user can read, if empty.
    pub documents: Vec<DocumentId>,
}

impl From<OwnerId> for Asker {
    fn from(owner: OwnerId) -> Self {
        Self { owner, terms: None, documents: Vec::new() }
    }
}

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

/// The users whose searches find a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All users.
    Shared,
    /// The owner alone.
    User(OwnerId),
}

/// The markup language of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// `CommonMark` with tables and YAML front matter.
    Markdown,
    /// Paragraphs separated by empty lines.
    Plain,
}

/// The version of a document that a passage belongs to. Searches find the previous version while a new one
/// is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentVersion(pub u64);

impl ContentVersion {
    /// The version of a document that is never replaced.
    pub const ONLY: Self = Self(1);
}

/// Identifies a passage in the index by its document and its position there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PassageId {
    /// The document that contains the passage.
    pub document_id: DocumentId,
    /// The position in the document, from 0 without gaps.
    pub ordinal: u32,
}

impl PassageId {
    /// Returns the id of the point in Qdrant, a `UUIDv5` of document, content version and ordinal.
    /// Indexing the same version again therefore replaces its points, and two versions of a document have
    /// different points.
    pub fn point_id(self, version: ContentVersion) -> Uuid {
        let name = (u128::from(version.0) << 32) | u128::from(self.ordinal);
        Uuid::new_v5(&self.document_id.0, &name.to_be_bytes())
    }
}

impl std::fmt::Display for PassageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.document_id, self.ordinal)
    }
}

/// The text of a passage with its document's title and the headings above it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassageText {
    /// The title of the document.
    pub title: String,
    /// The headings above the passage, outermost first, without the title.
    pub heading: Vec<String>,
    /// The passage as Markdown. A passage of a table begins with the header of the table.
    pub text: String,
    /// The place in the file, where its format has pages, slides or rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The vectors of the segments, where the embedding model has made them.
    #[serde(default, skip_serializing_if = "SegmentVectors::is_empty")]
    pub vectors: SegmentVectors,
}

impl PassageText {
    /// Whether the passage consists of rows of a table below its header.
    pub(crate) fn is_table(&self) -> bool {
        self.text.starts_with('|')
    }

    /// Serializes the passage for encryption.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Parses the bytes written by [`PassageText::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PassageDecodeError> {
        serde_json::from_slice(bytes).map_err(PassageDecodeError)
    }

    /// Returns title and headings on one line, separated by ` > `.
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

/// Decrypted bytes were not a serialized [`PassageText`].
#[derive(Debug, thiserror::Error)]
#[error("decrypted bytes are not a passage")]
pub struct PassageDecodeError(#[source] serde_json::Error);

/// The content of a passage as the index stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassageBody {
    /// Plaintext, for shared documents.
    Open(PassageText),
    /// The bytes of [`PassageText::to_bytes`], encrypted by the caller.
    Sealed(Vec<u8>),
}

/// A retrieved and decrypted passage from which an answer is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The passage, or the first one of several merged passages.
    pub id: PassageId,
    /// The text with title and headings.
    pub passage: PassageText,
    /// The fused score of meaning and terms; higher is better.
    pub score: f32,
    /// The cosine with the question, raised by the share of the question's terms in the passage.
    pub relevance: f32,
    /// The number of following passages that are merged into this source.
    pub merged: u32,
}

impl Source {
    /// Returns the passages that the source consists of, each with the source's score.
    pub fn passages(&self) -> impl Iterator<Item = (PassageId, f32)> + use<> {
        let (first, score) = (self.id, self.score);
        (0..=self.merged).map(move |offset| (PassageId { ordinal: first.ordinal + offset, ..first }, score))
    }
}

/// A question or an answer of the conversation so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// A question of the user.
    Question(String),
    /// The answer to the question before it.
    Answer(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn point_ids_are_stable_and_differ_by_passage_and_version() {
        let document_id = DocumentId::from(Uuid::from_u128(7));
        let first = PassageId { document_id, ordinal: 0 };
        let second = PassageId { document_id, ordinal: 1 };
        let (old, new) = (ContentVersion(1), ContentVersion(2));
        assert_eq!(first.point_id(old), first.point_id(old));
        assert_ne!(first.point_id(old), second.point_id(old));
        assert_ne!(first.point_id(old), first.point_id(new));
        assert_eq!(first.point_id(old).get_version_num(), 5);
    }

    #[test]
    fn a_serialized_passage_is_parsed_to_the_same_passage() {
        let passage = PassageText {
            title: "T".into(),
            heading: vec!["A".into(), "B".into()],
            text: "x\u{0}y".into(),
            vectors: SegmentVectors::default(),
            place: None,
        };
        assert_eq!(PassageText::from_bytes(&passage.to_bytes()).unwrap(), passage);
        assert_eq!(passage.context(), "T > A > B");
        assert!(PassageText::from_bytes(b"nonsense").is_err());
    }
}
