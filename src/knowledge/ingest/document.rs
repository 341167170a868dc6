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
/// Documents of one file name that were removed before.
const MAX_REMOVALS: usize = 4_096;
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

    /// The document with this file name. A removed document is followed by a new id.
    async fn place(&self, file: &File) -> anyhow::Result<(DocumentId, Document)> {
        let current = async |removals| {
            let id = id_after(&file.name, removals);
            let known = self.indexing.store.documents().current(id.uuid()).await;
            let known = known.context("the events of the document could not be read")?;
            let is_removed = known.status() == Some(DocumentStatus::Removed);
            anyhow::Ok((is_removed, (id, known)))
        };
        let found = first_not_removed(current).await?;
        found.with_context(|| format!("{} was removed {MAX_REMOVALS} times; give it another name", file.name))
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

/// The id of the document with a file name of which so many documents were removed.
fn id_after(name: &str, removals: usize) -> DocumentId {
    let name = format!("{name}{}", "\0".repeat(removals));
    DocumentId::new(Uuid::new_v5(&NAMES, name.as_bytes()))
}

/// The first document that is not removed, where all before it are: found in a number of looks that grows with
/// the logarithm of the removals. `None` beyond [`MAX_REMOVALS`].
async fn first_not_removed<T>(
    current: impl AsyncFn(usize) -> anyhow::Result<(bool, T)>,
) -> anyhow::Result<Option<T>> {
    let (mut removed, mut step) = (None, 1);
    let (mut place, mut found) = loop {
        let place = removed.map_or(0, |last: usize| last + step);
        if place > MAX_REMOVALS {
            return Ok(None);
        }
        match current(place).await? {
            (true, _) => step = if removed.replace(place).is_none() { 1 } else { step * 2 },
            (false, found) => break (place, found),
        }
    };
    let mut first = removed.map_or(0, |last| last + 1);
    while first < place {
        let middle = first.midpoint(place);
        match current(middle).await? {
            (true, _) => first = middle + 1,
            (false, earlier) => (place, found) = (middle, earlier),
        }
    }
    Ok(Some(found))
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

    #[tokio::test]
    async fn the_document_after_any_number_of_removed_ones_is_found_in_few_looks() {
        for removals in (0..70).chain([1_000, MAX_REMOVALS - 1, MAX_REMOVALS]) {
            let looks = std::cell::Cell::new(0);
            let current = async |place| {
                looks.set(looks.get() + 1);
                Ok((place < removals, place))
            };
            let found = first_not_removed(current).await.unwrap();
            assert!(found == Some(removals) || removals > MAX_REMOVALS / 2 && found.is_none(), "{found:?}");
            assert!(looks.get() <= 26, "{} looks for {removals}", looks.get());
        }
        assert_eq!(first_not_removed(async |_| Ok((true, ()))).await.unwrap(), None);
    }

    #[test]
    fn the_id_of_a_document_follows_from_its_name_for_ever() {
        assert_eq!(id_after("docs/development.md", 0).to_string(), "b113c1a2-85eb-5e7d-85cb-8a3e1f83fc3d");
        let after_two = Uuid::new_v5(&NAMES, b"docs/development.md\0\0");
        assert_eq!(id_after("docs/development.md", 2).uuid(), after_two);
    }
}
