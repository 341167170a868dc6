//! Ingests one file: stores it, records the document and indexes it.

use std::sync::PoisonError;
use std::time::Duration;

use aggregates::document::{Document, DocumentCommand, DocumentEvent, DocumentScope, DocumentStatus};
use aggregates::{AggregateType, DocumentId, Event, Tags, UserId};
use anyhow::Context as _;
use aws_lc_rs::digest::{SHA256, digest};
use projections::documents;
use rag::extract::{MediaType, Sniffer};
use uuid::Uuid;

use super::Ingest;
use super::files::{Asked, File};
use super::report::Outcome;
use crate::knowledge::extraction::{ExtractionError, Input};
use crate::knowledge::indexing::Claim;

/// Namespace of document ids, which are derived from file names. A change would add every document again.
const NAMES: Uuid = Uuid::from_u128(0x6f2c_8a51_93d0_4e7b_a1c4_5d9e_07b2_36f8);
/// The largest accepted file, as for uploads.
const MAX_BYTES: u64 = 50 << 20;
/// Interval between attempts to claim a document that another process holds.
const HELD: Duration = Duration::from_secs(1);

/// A readable file of a known type.
struct Readable<'a> {
    file: &'a File,
    bytes: Vec<u8>,
    media_type: MediaType,
    sha256: String,
}

impl Ingest {
    /// Ingests a file, unless its content is unchanged.
    pub(crate) async fn take(&self, file: &File) -> anyhow::Result<Outcome> {
        let (bytes, media_type) = match read(file).await {
            Ok(read) => read,
            Err(outcome) => return Ok(outcome),
        };
        let sha256 = hex::encode(digest(&SHA256, &bytes));
        let (id, known) = self.place(file).await?;
        let seen = !self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(sha256.clone());
        let other = if known.status().is_none() { self.same(&sha256).await? } else { None };
        if known.status().is_none() && (seen || other.is_some()) {
            return Ok(Outcome::Unchanged);
        }
        let readable = Readable { file, bytes, media_type, sha256 };
        if known.sha256() == Some(readable.sha256.as_str()) {
            match known.status() {
                Some(DocumentStatus::Indexed) if self.indexing.is_whole(&self.active, id).await? => {
                    return Ok(Outcome::Unchanged);
                }
                Some(DocumentStatus::Rejected) => return self.outcome(id).await,
                _ => {}
            }
        }
        let claim = self.claim(id).await?;
        let outcome = self.add_version(id, &readable).await;
        claim.release().await;
        outcome?;
        self.outcome(id).await
    }

    /// The id of the document with this file name. A removed document is followed by a new id.
    async fn place(&self, file: &File) -> anyhow::Result<(DocumentId, Document)> {
        let mut name = file.name.clone();
        loop {
            let id = Uuid::new_v5(&NAMES, name.as_bytes());
            let documents = self.indexing.store.documents();
            let known =
                documents.current(id).await.context("the events of the document could not be read")?;
            if known.status() != Some(DocumentStatus::Removed) {
                return Ok((DocumentId::new(id), known));
            }
            name.push('\0');
        }
    }

    /// Another document with the same content.
    async fn same(&self, sha256: &str) -> anyhow::Result<Option<DocumentId>> {
        let store = &self.indexing.store;
        let listed = documents::find_by_sha256(store.read_models(), UserId::SHARED, sha256)
            .await
            .context("the documents could not be read")?;
        let Some((id, _)) = listed else { return Ok(None) };
        let now = store
            .documents()
            .current(id.uuid())
            .await
            .context("the events of the document could not be read")?;
        let still = now.sha256() == Some(sha256) && now.status() != Some(DocumentStatus::Removed);
        Ok(still.then_some(id))
    }

    async fn claim(&self, id: DocumentId) -> anyhow::Result<Claim> {
        loop {
            if let Some(claim) = self.indexing.claim(id).await.context("the document could not be claimed")? {
                return Ok(claim);
            }
            tokio::time::sleep(HELD).await;
        }
    }

    /// Stores the file, records the document and indexes it.
    async fn add_version(&self, id: DocumentId, readable: &Readable<'_>) -> anyhow::Result<()> {
        let Readable { file, bytes, media_type, sha256 } = readable;
        let key = self.indexing.store.keyring().user(UserId::SHARED).await?;
        let key = key.context("the key of shared documents was not found")?;
        let mut upload =
            self.indexing.files.begin(UserId::SHARED).await.context("the file could not be stored")?;
        upload.write(bytes).await.context("the file could not be stored")?;
        let mut kept = upload.finish().await.context("the file could not be stored")?;
        kept.become_document(UserId::SHARED, &key, id.uuid())
            .await
            .context("the file could not be stored")?;
        let title = self.title(file, *media_type, bytes).await?;
        let add = DocumentCommand::Add {
            owner: UserId::SHARED,
            scope: DocumentScope::Shared,
            media_type: media_type.name().to_owned(),
            size: bytes.len() as u64,
            sha256: sha256.clone(),
            title,
            tags: Tags::default(),
        };
        let documents = self.indexing.store.documents();
        let added = documents.execute(id.uuid(), add, &self.metadata(), None).await;
        added.context("the document could not be recorded")?;
        self.indexing.wake.notify();
        self.indexing.settle_claimed(&self.active, id).await?;
        self.indexing.repair_claimed(&self.active, id).await.map(drop)
    }

    /// The title of a text with headings, else the name of the file.
    async fn title(&self, file: &File, media_type: MediaType, bytes: &[u8]) -> anyhow::Result<String> {
        let names_itself = matches!(
            media_type,
            MediaType::Markdown
                | MediaType::Html
                | MediaType::Pdf
                | MediaType::Docx
                | MediaType::Pptx
                | MediaType::Epub
                | MediaType::Mail
                | MediaType::Msg
        );
        let heading = if names_itself {
            match self.indexing.extractor.title(media_type, Input::Bytes(bytes.to_vec())).await {
                Ok(found) => found.unwrap_or_default(),
                // The document is rejected when it is indexed.
                Err(ExtractionError::Ended(_)) => None,
                Err(error) => return Err(error).context("the title of the file could not be read"),
            }
        } else {
            None
        };
        Ok(heading.unwrap_or_else(|| name_in_words(file)))
    }

    /// The outcome by the events of the document.
    async fn outcome(&self, id: DocumentId) -> anyhow::Result<Outcome> {
        let events = self.indexing.store.aggregate_events(AggregateType::Document, id.uuid()).await?;
        // Tags can follow.
        let outcome = events
            .into_iter()
            .map(|recorded| recorded.event)
            .rfind(|event| !matches!(event, Event::Document(DocumentEvent::DocumentTagged { .. })));
        Ok(match outcome {
            Some(Event::Document(DocumentEvent::DocumentIndexed { passages, .. })) => {
                Outcome::Indexed { passages }
            }
            Some(Event::Document(DocumentEvent::DocumentRejected { reason })) => Outcome::Rejected(reason),
            _ => Outcome::Rejected("It was changed or removed meanwhile.".to_owned()),
        })
    }
}

/// Reads a file and detects its type; the outcome if it is not usable.
async fn read(file: &File) -> Result<(Vec<u8>, MediaType), Outcome> {
    let unreadable = |error: std::io::Error| Outcome::Rejected(error.to_string());
    let metadata = tokio::fs::metadata(&file.path).await.map_err(unreadable)?;
    if metadata.len() > MAX_BYTES {
        return Err(Outcome::Rejected(format!("It is larger than {} MiB.", MAX_BYTES >> 20)));
    }
    let bytes = tokio::fs::read(&file.path).await.map_err(unreadable)?;
    let mut sniffer = Sniffer::default();
    sniffer.update(&bytes);
    match (sniffer.media_type(&file.name), file.asked) {
        (Some(MediaType::Markdown | MediaType::Plain), Asked::ByContent)
            if file.path.extension().is_some() =>
        {
            Err(Outcome::Skipped)
        }
        (Some(media_type), _) => Ok((bytes, media_type)),
        (None, Asked::ByContent) => Err(Outcome::Skipped),
        (None, Asked::ByName) => Err(Outcome::Rejected("Its type is not supported.".to_owned())),
    }
}

/// The name of a file without its extension, in words.
fn name_in_words(file: &File) -> String {
    let name = file.path.file_stem().map(|stem| stem.to_string_lossy().replace(['_', '-'], " "));
    name.unwrap_or_else(|| file.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_name_in_words() {
        let file = |name: &str| File { path: name.into(), name: name.into(), asked: Asked::ByName };
        assert_eq!(name_in_words(&file("docs/getting-started.md")), "getting started");
        assert_eq!(name_in_words(&file("notes.txt")), "notes");
    }

    #[test]
    fn the_id_of_a_document_follows_from_its_name_for_ever() {
        let id = Uuid::new_v5(&NAMES, b"docs/development.md");
        assert_eq!(id.to_string(), "b113c1a2-85eb-5e7d-85cb-8a3e1f83fc3d");
    }
}
