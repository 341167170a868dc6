//! Reads the file of a document, with attempts that are counted before the file is read.
//!
//! A file whose reading ends abnormally twice is rejected. So is a file during whose reading the service
//! itself ended several times within an hour: once may be an operator's wish, often is the file's work.

use aggregates::DocumentId;
use aggregates::document::{Document, DocumentStatus};
use anyhow::Context as _;
use rag::extract::{ExtractError, MediaType};
use sealing::UserKey;

use super::{Added, Indexing, Progress, Stage};
use crate::knowledge::extraction::{ExtractionError, Input, Part, Passages, Pictures};
use crate::knowledge::files::FilesError;
use crate::knowledge::models::ActiveModel;

/// Abnormal ends after which a file is rejected.
const MAX_FAILED: i32 = 2;
/// Attempts without a recorded end after which a file is rejected.
const MAX_UNFINISHED: i32 = 5;
/// The reason where the service ended each time.
const ENDS_THE_SERVICE: &str = "Reading the file did not end in several attempts.";

impl Indexing {
    /// Reads the file of a document and splits its text; the reason in words where the file yields nothing.
    pub(super) async fn passages(
        &self,
        active: &ActiveModel,
        id: DocumentId,
        document: &Document,
        added: &Added,
        key: &UserKey,
    ) -> anyhow::Result<Result<Passages, String>> {
        let version = document.content_version();
        loop {
            let before = self.store.begin_extraction(id, version).await?;
            if before.failed >= MAX_FAILED || before.unfinished >= MAX_UNFINISHED {
                self.store.cancel_extraction(id, version).await?;
                return Ok(Err(before.reason.unwrap_or_else(|| ENDS_THE_SERVICE.to_owned())));
            }
            // A second attempt takes longer where the machine is busy, and no third one follows.
            let is_last = before.failed + 1 >= MAX_FAILED;
            match self.read_or_recognise(active, id, added, key, is_last).await {
                Ok(read) => {
                    self.store.end_extraction(id).await?;
                    return Ok(read.map_err(|reason| reason.to_string()));
                }
                Err(ExtractionError::Ended(end)) => {
                    tracing::warn!(document.id = %id, %end, "the process that read a file ended abnormally");
                    self.store.fail_extraction(id, version, &end.to_string()).await?;
                }
                Err(ExtractionError::Input(
                    FilesError::Missing | FilesError::Damaged | FilesError::Seal(_),
                )) if document.status() != Some(DocumentStatus::Indexed) => {
                    self.store.end_extraction(id).await?;
                    return Ok(Err(ExtractError::Damaged.to_string()));
                }
                Err(error) => {
                    self.store.cancel_extraction(id, version).await?;
                    return Err(error).context("the text of a document could not be extracted");
                }
            }
        }
    }

    /// Reads a file, first without the text in its pictures. A part of it counts if a limit ended the reading:
    /// the pages that were recognised, and at the last attempt the first passages.
    async fn read_or_recognise(
        &self,
        active: &ActiveModel,
        id: DocumentId,
        added: &Added,
        key: &UserKey,
        is_last: bool,
    ) -> Result<Result<Passages, ExtractError>, ExtractionError> {
        let mut read = self.read(active, id, added, key, Pictures::Later).await;
        if matches!(read, Ok(Err(ExtractError::Unrecognised))) {
            read = self.read(active, id, added, key, Pictures::Now).await;
        }
        if let Err(ExtractionError::Interrupted { end, part: Part::Pictures(texts) }) = read {
            tracing::info!(document.id = %id, %end, pictures = texts.len(), "a document is read with a part of its pictures");
            read = match self.read(active, id, added, key, Pictures::Known(texts)).await {
                Ok(Err(_)) => Err(end.into()),
                read => read,
            };
        }
        match read {
            Err(ExtractionError::Interrupted { part: Part::Passages(passages), .. }) if is_last => {
                Ok(Ok(passages))
            }
            Err(ExtractionError::Interrupted { end, .. }) => Err(end.into()),
            read => read,
        }
    }

    async fn read(
        &self,
        active: &ActiveModel,
        id: DocumentId,
        added: &Added,
        key: &UserKey,
        pictures: Pictures,
    ) -> Result<Result<Passages, ExtractError>, ExtractionError> {
        let media_type = MediaType::from_name(&added.media_type).unwrap_or(MediaType::Plain);
        let file = self.files.open(added.owner, key, id.uuid(), &added.sha256).await?;
        let splitting = || {
            (self.progress)(id, added.owner, Progress { stage: Stage::Splitting, done: 0, total: 1 });
        };
        let tokenizer = active.embedder.tokenizer_file();
        let file = Input::Stored(Box::new(file));
        self.extractor.passages(media_type, &added.title, tokenizer, (file, pictures), splitting).await
    }
}
