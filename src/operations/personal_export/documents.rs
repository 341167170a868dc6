//! Documents in an export: the files as uploaded, and the metadata of each.

use std::collections::BTreeSet;

use aggregates::document::{DocumentEvent, DocumentOmissions};
use aggregates::{AggregateType, Event, Private, RecordedEvent, UserId};
use chrono::{DateTime, Utc};
use rag::extract::MediaType;
use serde::Serialize;
use uuid::Uuid;

use super::archive::Archive;
use super::{ExportError, Exporter, pretty};
use crate::knowledge::files::FilesError;
use store::StoreError;

/// The longest file name in characters, without extension.
const NAME: usize = 100;

/// Metadata of a document.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct About {
    id: Uuid,
    title: String,
    tags: Vec<String>,
    media_type: String,
    size: u64,
    sha256: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The parts of the file that were left out, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    added_at: DateTime<Utc>,
    /// Path in the archive; `None` if the file is lost.
    file: Option<String>,
}

impl Exporter {
    /// Writes the documents that are not removed, streaming each file, and their metadata in the
    /// order of addition.
    pub(crate) async fn write_documents(
        &self,
        user: UserId,
        documents: BTreeSet<Uuid>,
        archive: &mut Archive,
    ) -> Result<(), ExportError> {
        let mut known = Vec::new();
        for id in documents {
            let mut about = None;
            let fold = |events: &mut dyn Iterator<Item = &RecordedEvent>| {
                events.for_each(|event| about = folded(id, about.take(), event));
            };
            self.each_page(AggregateType::Document, id, fold).await?;
            if let Some(mut about) = about {
                self.write_file(user, &mut about, archive).await?;
                known.push(about);
            }
        }
        known.sort_by_key(|about| about.added_at);
        archive.entry("documents.json", pretty(&known)?).await
    }

    async fn write_file(
        &self,
        user: UserId,
        about: &mut About,
        archive: &mut Archive,
    ) -> Result<(), ExportError> {
        let key = self.store.keyring().user(user).await?.ok_or(StoreError::KeyDestroyed)?;
        let mut reading = match self.files.open(user, &key, about.id, &about.sha256).await {
            Ok(reading) => reading,
            Err(FilesError::Missing) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let path = format!("documents/{}/{}", about.id, file_name(about));
        about.file = Some(path.clone());
        archive.begin_document(&path, serde_json::to_value(&about)?).await?;
        while let Some(piece) = reading.next().await? {
            archive.append(piece).await?;
        }
        Ok(())
    }
}

/// Metadata of a document after its next event; `None` if it was removed.
fn folded(id: Uuid, mut about: Option<About>, recorded: &RecordedEvent) -> Option<About> {
    let Event::Document(event) = &recorded.event else { return about };
    match event {
        DocumentEvent::DocumentAdded { media_type, size, sha256, private, .. } => {
            let title = match private {
                Private::Open(private) => private.title.clone(),
                Private::Sealed => String::new(),
            };
            return Some(About {
                id,
                title,
                // A new version, or the same file indexed again, is no other document.
                added_at: about.as_ref().map_or(recorded.recorded_at, |about| about.added_at),
                tags: about.map(|about| about.tags).unwrap_or_default(),
                media_type: media_type.clone(),
                size: *size,
                sha256: sha256.clone(),
                status: "added",
                reason: None,
                warning: None,
                file: None,
            });
        }
        DocumentEvent::DocumentIndexed { private, .. } => {
            set(about.as_mut(), "indexed", None);
            if let Some(about) = &mut about {
                about.warning = private.open().and_then(DocumentOmissions::in_words);
            }
        }
        DocumentEvent::DocumentRejected { reason } => set(about.as_mut(), "rejected", Some(reason.clone())),
        DocumentEvent::DocumentTagged { private: Private::Open(private) } => {
            if let Some(about) = &mut about {
                about.tags = private.tags.as_slice().to_vec();
            }
        }
        DocumentEvent::DocumentTagged { private: Private::Sealed } => {}
        DocumentEvent::DocumentRemoved => return None,
    }
    about
}

fn set(about: Option<&mut About>, status: &'static str, reason: Option<String>) {
    if let Some(about) = about {
        about.status = status;
        about.reason = reason;
    }
}

/// A file name that is valid on every file system.
fn file_name(about: &About) -> String {
    let harmless = |c: char| if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_') { c } else { '_' };
    let name: String = about.title.trim().chars().take(NAME).map(harmless).collect();
    let name = if name.is_empty() { "document" } else { &name };
    let ending = MediaType::from_name(&about.media_type).unwrap_or(MediaType::Plain).extension();
    format!("{name}.{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_becomes_a_name_that_leads_nowhere_else() {
        let about = |title: &str, media_type: &str| About {
            id: Uuid::nil(),
            title: title.to_owned(),
            tags: vec![],
            media_type: media_type.to_owned(),
            size: 0,
            sha256: String::new(),
            status: "added",
            reason: None,
            warning: None,
            added_at: DateTime::UNIX_EPOCH,
            file: None,
        };
        assert_eq!(file_name(&about("../../etc/passwd", "text/plain")), "______etc_passwd.txt");
        assert_eq!(file_name(&about("Grüße an alle", "application/pdf")), "Grüße an alle.pdf");
        assert_eq!(file_name(&about(" ", "text/html")), "document.html");
    }
}
