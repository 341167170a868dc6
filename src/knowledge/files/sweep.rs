//! Finds and deletes files that no document refers to: uploads whose process died, files of refused commands,
//! and earlier versions.

use std::time::Duration;

use aggregates::UserId;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use uuid::Uuid;

use super::{Files, FilesError, within};

/// The version of a document that a file belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileVersion {
    /// The owner of the document.
    pub owner: UserId,
    /// The document.
    pub document: Uuid,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

/// A file of the store.
#[derive(Debug, Clone)]
pub struct StoredFile {
    path: Path,
    /// The time at which it was written.
    pub modified: DateTime<Utc>,
    /// The version of a document that it belongs to; `None` for an upload that has not ended.
    pub version: Option<FileVersion>,
}

impl Files {
    /// Deletes the file of one version of a document.
    pub async fn delete_version(&self, version: &FileVersion) -> Result<(), FilesError> {
        let FileVersion { owner, document, sha256 } = version;
        self.delete_below_name(&format!("{owner}/{document}"), |name| name.starts_with(sha256.as_str())).await
    }

    /// Deletes the files of a document but those of one version.
    pub async fn delete_other_versions(&self, kept: &FileVersion) -> Result<(), FilesError> {
        let FileVersion { owner, document, sha256 } = kept;
        self.delete_below_name(&format!("{owner}/{document}"), |name| !name.starts_with(sha256.as_str()))
            .await
    }

    async fn delete_below_name(
        &self,
        prefix: &str,
        is_deleted: impl Fn(&str) -> bool,
    ) -> Result<(), FilesError> {
        for path in self.below(&Path::from(prefix)).await? {
            if path.filename().is_some_and(&is_deleted) {
                self.delete_path(&path).await?;
            }
        }
        Ok(())
    }

    /// The files of this service that are older than `age`. Lists the whole store.
    pub fn older_than(&self, age: Duration) -> BoxStream<'static, Result<StoredFile, FilesError>> {
        let before = Utc::now() - age;
        let listed = self.store.list(None).map_err(FilesError::from);
        let old = listed.try_filter_map(move |found| {
            let modified = found.last_modified;
            let version = match place_of(&found.location) {
                Place::Incoming => Some(None),
                Place::Version(version) => Some(Some(version)),
                Place::Unknown => None,
            };
            let file = version.map(|version| StoredFile { path: found.location, modified, version });
            std::future::ready(Ok(file.filter(|_| modified < before)))
        });
        old.boxed()
    }

    /// Deletes a file.
    pub async fn delete(&self, file: &StoredFile) -> Result<(), FilesError> {
        self.delete_path(&file.path).await
    }

    pub(super) async fn delete_path(&self, path: &Path) -> Result<(), FilesError> {
        match within(self.store.delete(path)).await {
            Ok(()) | Err(FilesError::Store(object_store::Error::NotFound { .. })) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Facts about a file in its path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Incoming,
    Version(FileVersion),
    /// Not a file of this service.
    Unknown,
}

pub(super) fn place_of(path: &Path) -> Place {
    let parts: Vec<_> = path.parts().map(|part| part.as_ref().to_owned()).collect();
    match parts.as_slice() {
        [incoming, _, _] if incoming == "incoming" => Place::Incoming,
        [owner, document, name] => match (owner.parse(), document.parse(), name.split_once('.')) {
            (Ok(owner), Ok(document), Some((sha256, "sealed" | "key"))) => {
                Place::Version(FileVersion { owner: UserId::new(owner), document, sha256: sha256.to_owned() })
            }
            _ => Place::Unknown,
        },
        _ => Place::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_what_a_file_belongs_to() {
        let (owner, document) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let version = FileVersion { owner: UserId::new(owner), document, sha256: "ab".into() };
        for name in ["ab.key", "ab.sealed"] {
            let path = Path::from(format!("{owner}/{document}/{name}"));
            assert_eq!(place_of(&path), Place::Version(version.clone()));
        }
        assert_eq!(place_of(&Path::from(format!("incoming/{owner}/{document}"))), Place::Incoming);
        for other in ["backup/of/mine.key".to_owned(), "x".to_owned(), format!("{owner}/{document}/ab.txt")] {
            assert_eq!(place_of(&Path::from(other)), Place::Unknown);
        }
    }
}
