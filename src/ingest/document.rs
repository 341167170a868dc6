//! Brings one file in: its document's events, its passages in the index.

use std::fmt;

use aggregates::UserId;
use aggregates::document::{Document, DocumentCommand, DocumentPhase, Scope};
use anyhow::Context as _;
use aws_lc_rs::digest::{SHA256, digest};
use rag::embed::MODEL_NAME;
use rag::ingest::Document as Text;
use rag::passage::{DocumentId, Scope as PassageScope};
use rag::split::{Markup, title};
use uuid::Uuid;

use super::Ingest;
use super::files::TextFile;

/// What makes a document's id of its file's name. Never to be changed: documents would be there twice.
const NAMES: Uuid = Uuid::from_u128(0x6f2c_8a51_93d0_4e7b_a1c4_5d9e_07b2_36f8);
/// The largest file taken.
const MAX_BYTES: u64 = 16 << 20;

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It can be found.
    Indexed {
        /// In how many passages.
        passages: u32,
    },
    /// It was there already.
    Unchanged,
    /// It holds no text.
    Rejected(&'static str),
    /// It could not be read.
    Skipped(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Indexed { passages: 1 } => write!(f, "1 passage"),
            Self::Indexed { passages } => write!(f, "{passages} passages"),
            Self::Unchanged => f.write_str("unchanged"),
            Self::Rejected(reason) => write!(f, "rejected: {reason}"),
            Self::Skipped(reason) => write!(f, "skipped: {reason}"),
        }
    }
}

impl Ingest {
    /// Brings a file in, unless it says what it said before.
    pub(super) async fn take(&self, file: &TextFile) -> anyhow::Result<Outcome> {
        let bytes = match read(file).await {
            Ok(bytes) => bytes,
            Err(reason) => return Ok(Outcome::Skipped(reason)),
        };
        let id = Uuid::new_v5(&NAMES, file.name.as_bytes());
        let sha256 = hex(digest(&SHA256, &bytes).as_ref());
        let known = self.store.documents().current(id).await.context("read the document's events")?;
        if known.sha256() == Some(sha256.as_str()) && self.is_settled(id, &known).await? {
            return Ok(match known.phase() {
                DocumentPhase::Rejected => Outcome::Rejected("as before"),
                _ => Outcome::Unchanged,
            });
        }
        if known.phase() == DocumentPhase::Removed {
            return Ok(Outcome::Skipped("it was removed from the knowledge".to_owned()));
        }
        let text = text_of(&bytes);
        self.command(id, add(file, &bytes, sha256, text.as_deref().unwrap_or_default())).await?;
        match text {
            Ok(text) => self.index(id, file, text).await,
            Err(reason) => self.reject(id, reason).await,
        }
    }

    /// Whether nothing is to be done for a document that says what it said before: the index still has it, too.
    async fn is_settled(&self, id: Uuid, known: &Document) -> anyhow::Result<bool> {
        match known.phase() {
            DocumentPhase::Rejected => Ok(true),
            DocumentPhase::Indexed => Ok(self.index.count(Some(DocumentId::from(id))).await? > 0),
            DocumentPhase::Absent | DocumentPhase::Added | DocumentPhase::Removed => Ok(false),
        }
    }

    async fn index(&self, id: Uuid, file: &TextFile, text: String) -> anyhow::Result<Outcome> {
        let document = Text {
            id: DocumentId::from(id),
            scope: PassageScope::Shared,
            title: called(file, &text),
            markup: file.markup,
            text,
        };
        let passages = self.ingester.shared(&document).await?;
        if passages == 0 {
            return self.reject(id, "it says nothing").await;
        }
        let embedding_model = MODEL_NAME.to_owned();
        self.command(id, DocumentCommand::RecordIndexed { passages, embedding_model }).await?;
        Ok(Outcome::Indexed { passages })
    }

    /// What it said before it could not be read is not found any more.
    async fn reject(&self, id: Uuid, reason: &'static str) -> anyhow::Result<Outcome> {
        self.index.delete_document(DocumentId::from(id)).await?;
        self.command(id, DocumentCommand::Reject { reason: reason.to_owned() }).await?;
        Ok(Outcome::Rejected(reason))
    }

    async fn command(&self, id: Uuid, command: DocumentCommand) -> anyhow::Result<()> {
        self.store
            .documents()
            .execute(id, command, &self.metadata(), None)
            .await
            .context("record what became of the document")?;
        self.wake.notify();
        Ok(())
    }
}

async fn read(file: &TextFile) -> Result<Vec<u8>, String> {
    let metadata = tokio::fs::metadata(&file.path).await.map_err(|error| error.to_string())?;
    if metadata.len() > MAX_BYTES {
        return Err(format!("larger than {} MiB", MAX_BYTES >> 20));
    }
    tokio::fs::read(&file.path).await.map_err(|error| error.to_string())
}

/// The text, without a byte order mark.
fn text_of(bytes: &[u8]) -> Result<String, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\0') {
        return Err("it holds NUL characters, which no text does");
    }
    Ok(text.to_owned())
}

fn add(file: &TextFile, bytes: &[u8], sha256: String, text: &str) -> DocumentCommand {
    let media_type = match file.markup {
        Markup::Markdown => "text/markdown",
        Markup::Plain => "text/plain",
    };
    DocumentCommand::Add {
        owner: UserId::SHARED,
        scope: Scope::Shared,
        media_type: media_type.to_owned(),
        size: bytes.len() as u64,
        sha256,
        title: called(file, text),
    }
}

/// A Markdown document by its first heading; anything else by its file.
fn called(file: &TextFile, text: &str) -> String {
    let heading = match file.markup {
        Markup::Markdown => title(file.markup, text),
        Markup::Plain => None,
    };
    heading.filter(|heading| !heading.trim().is_empty()).unwrap_or_else(|| {
        let name = file.path.file_stem().map(|stem| stem.to_string_lossy().replace(['_', '-'], " "));
        name.unwrap_or_else(|| file.name.clone())
    })
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, markup: Markup) -> TextFile {
        TextFile { path: name.into(), name: name.into(), markup }
    }

    #[test]
    fn a_document_is_called_by_its_heading_or_else_by_its_file() {
        let markdown = file("docs/getting-started.md", Markup::Markdown);
        assert_eq!(called(&markdown, "# First steps\n\nGo."), "First steps");
        assert_eq!(called(&markdown, "No heading."), "getting started");
        assert_eq!(called(&file("notes.txt", Markup::Plain), "Line"), "notes");
    }

    #[test]
    fn text_is_utf_8_without_nul_and_loses_its_byte_order_mark() {
        assert_eq!(text_of(b"\xef\xbb\xbfhi"), Ok("hi".to_owned()));
        assert!(text_of(b"\xff\xfe").is_err());
        assert!(text_of(b"a\0b").is_err());
    }

    #[test]
    fn the_id_of_a_document_follows_from_its_name_for_ever() {
        let id = Uuid::new_v5(&NAMES, b"docs/development.md");
        assert_eq!(id.to_string(), "b113c1a2-85eb-5e7d-85cb-8a3e1f83fc3d");
    }
}
