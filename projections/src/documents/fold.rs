//! A document's row as the fold of its events.

use std::collections::HashMap;

use aggregates::document::{DocumentEvent, DocumentStatus};
use aggregates::{AggregateType, DocumentId, Event, RecordedEvent};
use database::Transaction;

use super::SealedDocument;
use crate::DecryptedEvent;

/// Applies a batch with two statements: loads the rows that it changes, folds, and writes them.
pub(crate) async fn apply(
    table: &str,
    transaction: &mut Transaction<'_>,
    batch: &[DecryptedEvent],
) -> Result<(), sqlx::Error> {
    let ids: Vec<DocumentId> = batch
        .iter()
        .filter(|event| event.recorded.aggregate == AggregateType::Document)
        .map(|event| DocumentId::new(event.recorded.aggregate_id))
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let existing: Vec<SealedDocument> = sqlx::query_as(&format!("SELECT * FROM {table} WHERE id = ANY($1)"))
        .bind(ids)
        .fetch_all(&mut *transaction)
        .await?;
    let mut rows: HashMap<DocumentId, SealedDocument> =
        existing.into_iter().map(|row| (row.id, row)).collect();
    for event in batch {
        fold(&mut rows, event);
    }
    store(table, transaction, rows.into_values().collect()).await
}

fn fold(rows: &mut HashMap<DocumentId, SealedDocument>, DecryptedEvent { recorded, .. }: &DecryptedEvent) {
    let Event::Document(event) = &recorded.event else { return };
    let id = DocumentId::new(recorded.aggregate_id);
    let version = recorded.sequence;
    if let DocumentEvent::DocumentAdded { .. } = event {
        if let Some(row) = added(recorded, event, rows.get(&id)) {
            rows.insert(id, row);
        }
        return;
    }
    let Some(row) = rows.get_mut(&id) else { return };
    row.version = version;
    row.updated_at = recorded.recorded_at;
    match event {
        DocumentEvent::DocumentAdded { .. } => {}
        DocumentEvent::DocumentIndexed { passages, pages, language, omitted, .. } => {
            row.status = DocumentStatus::Indexed;
            row.passages = passages.cast_signed();
            row.reason = None;
            row.pages = pages.map(u32::cast_signed);
            row.language.clone_from(language);
            row.omissions = recorded.sealed.clone().filter(|_| *omitted > 0);
            row.omissions_sequence = (*omitted > 0).then_some(version);
        }
        DocumentEvent::DocumentTagged { .. } => {
            row.tags.clone_from(&recorded.sealed);
            row.tags_sequence = Some(version);
        }
        DocumentEvent::DocumentRejected { reason } => {
            row.status = DocumentStatus::Rejected;
            row.passages = 0;
            row.reason = Some(reason.clone());
            (row.omissions, row.omissions_sequence) = (None, None);
        }
        DocumentEvent::DocumentRemoved => {
            row.status = DocumentStatus::Removed;
            row.passages = 0;
            row.private = None;
            row.tags = None;
            row.omissions = None;
        }
    }
}

/// The row of a document that was added, or whose content was replaced.
fn added(
    recorded: &RecordedEvent,
    event: &DocumentEvent,
    existing: Option<&SealedDocument>,
) -> Option<SealedDocument> {
    let DocumentEvent::DocumentAdded { scope, media_type, size, sha256, .. } = event else { return None };
    Some(SealedDocument {
        owner: recorded.owner,
        id: DocumentId::new(recorded.aggregate_id),
        version: recorded.sequence,
        created_at: existing.map_or(recorded.recorded_at, |row| row.created_at),
        updated_at: recorded.recorded_at,
        scope: *scope,
        media_type: media_type.clone(),
        size: size.cast_signed(),
        sha256: sha256.clone(),
        status: DocumentStatus::Added,
        passages: existing.map_or(0, |row| row.passages),
        reason: None,
        sequence: recorded.sequence,
        private: recorded.sealed.clone(),
        pages: existing.and_then(|row| row.pages),
        language: existing.and_then(|row| row.language.clone()),
        tags: existing.and_then(|row| row.tags.clone()),
        tags_sequence: existing.and_then(|row| row.tags_sequence),
        omissions: existing.and_then(|row| row.omissions.clone()),
        omissions_sequence: existing.and_then(|row| row.omissions_sequence),
    })
}

async fn store(
    table: &str,
    transaction: &mut Transaction<'_>,
    rows: Vec<SealedDocument>,
) -> Result<(), sqlx::Error> {
    sqlx::query(&UPSERT.replace("{table}", table))
        .bind(rows.iter().map(|row| row.owner).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.created_at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.updated_at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.scope).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.media_type.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.size).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.sha256.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.status).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.passages).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.reason.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.sequence).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.private.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.pages).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.language.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.tags.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.tags_sequence).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.omissions.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.omissions_sequence).collect::<Vec<_>>())
        .execute(&mut *transaction)
        .await?;
    Ok(())
}

const UPSERT: &str = "
INSERT INTO {table} (owner, id, version, created_at, updated_at, scope, media_type, size, sha256, status, passages,
                     reason, sequence, private, pages, language, tags, tags_sequence, omissions, omissions_sequence)
SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::text[],
                     $7::text[], $8::bigint[], $9::text[], $10::text[], $11::int[], $12::text[], $13::bigint[],
                     $14::bytea[], $15::int[], $16::text[], $17::bytea[], $18::bigint[], $19::bytea[], $20::bigint[])
    ON CONFLICT (id) DO UPDATE
   SET version = excluded.version, updated_at = excluded.updated_at, scope = excluded.scope,
       media_type = excluded.media_type, size = excluded.size, sha256 = excluded.sha256, status = excluded.status,
       passages = excluded.passages, reason = excluded.reason, sequence = excluded.sequence,
       private = excluded.private, pages = excluded.pages, language = excluded.language, tags = excluded.tags,
       tags_sequence = excluded.tags_sequence, omissions = excluded.omissions,
       omissions_sequence = excluded.omissions_sequence";
