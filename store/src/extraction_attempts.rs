//! Attempts at reading the files of documents. They are counted before a file is read and outlive the process
//! that reads it.

use aggregates::{DocumentId, Version};
use sqlx::FromRow;

use crate::{Store, StoreError};

/// The attempts at one version of a document, before the one that begins.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ExtractionAttempts {
    /// Attempts of the last hour whose end was not recorded, because the service ended meanwhile.
    pub unfinished: i32,
    /// Attempts that ended abnormally.
    pub failed: i32,
    /// The reason of the last abnormal end.
    pub reason: Option<String>,
}

impl Store {
    /// Counts an attempt that begins, and returns the attempts before it.
    pub async fn begin_extraction(
        &self,
        document: DocumentId,
        version: Version,
    ) -> Result<ExtractionAttempts, StoreError> {
        Ok(sqlx::query_as(BEGIN).bind(document).bind(version).fetch_one(&self.pool).await?)
    }

    /// Records that an attempt ended abnormally.
    pub async fn fail_extraction(
        &self,
        document: DocumentId,
        version: Version,
        reason: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(FAIL).bind(document).bind(version).bind(reason).execute(&self.pool).await?;
        Ok(())
    }

    /// Takes back an attempt that did not get as far as the file.
    pub async fn cancel_extraction(&self, document: DocumentId, version: Version) -> Result<(), StoreError> {
        sqlx::query(CANCEL).bind(document).bind(version).execute(&self.pool).await?;
        Ok(())
    }

    /// Forgets the attempts at a file that was read to its end.
    pub async fn end_extraction(&self, document: DocumentId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM extraction_attempts WHERE document_id = $1")
            .bind(document)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

const BEGIN: &str = "
WITH before AS (
    SELECT CASE WHEN began_at > clock_timestamp() - interval '1 hour' THEN unfinished ELSE 0 END AS unfinished,
           failed, reason
      FROM extraction_attempts WHERE document_id = $1 AND content_version = $2
), begun AS (
    INSERT INTO extraction_attempts AS attempts (document_id, content_version, unfinished, failed, reason, began_at)
    SELECT $1, $2, coalesce(max(unfinished), 0) + 1, coalesce(max(failed), 0), max(reason), clock_timestamp() FROM before
        ON CONFLICT (document_id) DO UPDATE
       SET content_version = excluded.content_version, unfinished = excluded.unfinished, failed = excluded.failed,
           reason = excluded.reason, began_at = excluded.began_at
    RETURNING unfinished - 1 AS unfinished, failed, reason
)
SELECT unfinished, failed, reason FROM begun";

const FAIL: &str = "
UPDATE extraction_attempts SET unfinished = greatest(unfinished - 1, 0), failed = failed + 1, reason = $3
 WHERE document_id = $1 AND content_version = $2";

const CANCEL: &str = "
UPDATE extraction_attempts SET unfinished = greatest(unfinished - 1, 0)
 WHERE document_id = $1 AND content_version = $2";
