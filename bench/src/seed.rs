//! Seeds an empty database in bulk: events, keys and ledger. The product's own rebuild derives
//! the read models.

mod copy;
mod history;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use sealing::MasterKey;
use sqlx::PgPool;
use sqlx::postgres::PgPoolCopyExt as _;
use store::Database;
use tokio::sync::mpsc;

use crate::settings::Settings;
use history::{Chapter, Historian, SIDE_BY_SIDE};

const EVENTS: &str =
    "COPY events (aggregate_type, aggregate_id, sequence, event_type, event_version, event_id, owner,
    payload, metadata, private, recorded_at) FROM STDIN (FORMAT binary)";
const LEDGER: &str =
    "COPY ledger (position, aggregate_type, aggregate_id, sequence, owner, hash) FROM STDIN (FORMAT binary)";
const KEYS: &str = "COPY keys (kind, id, owner, wrapped_by, wrapped) FROM STDIN (FORMAT binary)";

/// Size and duration of a seed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seeded {
    pub(crate) events: i64,
    pub(crate) took: Duration,
}

/// Seeds a migrated, empty database. Sets the checkpoints to the head of the ledger, so that a
/// rebuild covers everything.
pub(crate) async fn seed(settings: &Settings, master: &MasterKey, url: &str) -> anyhow::Result<Seeded> {
    let began = Instant::now();
    let pool = PgPool::from(Database::connect(&url.into(), 4)?);
    let (chapters, mut written) = mpsc::channel(2);
    let (settings, master) = (settings.clone(), master.clone());
    let writer = tokio::task::spawn_blocking(move || write_history(&settings, master, &chapters));
    let mut events = 0;
    while let Some(chapter) = written.recv().await {
        events = chapter.last_position;
        store(&pool, chapter).await?;
        if events / 100_000 != (events - 8_000) / 100_000 {
            eprintln!("  {events} events in {:.0} s", began.elapsed().as_secs_f64());
        }
    }
    writer.await.context("the history broke off")??;
    sqlx::query("UPDATE checkpoints SET position = $1").bind(events).execute(&pool).await?;
    sqlx::query("VACUUM (ANALYZE) events, ledger, keys, checkpoints").execute(&pool).await?;
    pool.close().await;
    Ok(Seeded { events, took: began.elapsed() })
}

fn write_history(
    settings: &Settings,
    master: MasterKey,
    chapters: &mpsc::Sender<Chapter>,
) -> anyhow::Result<()> {
    let mut historian = Historian::new(master);
    chapters.blocking_send(historian.accounts(settings.users)?)?;
    let conversations = settings.conversations();
    for first in (0..conversations).step_by(SIDE_BY_SIDE) {
        let chapter = historian.conversations(first..conversations.min(first + SIDE_BY_SIDE))?;
        chapters.blocking_send(chapter)?;
    }
    chapters.blocking_send(historian.long_conversation(conversations)?)?;
    Ok(())
}

async fn store(pool: &PgPool, chapter: Chapter) -> anyhow::Result<()> {
    tokio::try_join!(
        copy(pool, EVENTS, chapter.events),
        copy(pool, LEDGER, chapter.ledger),
        copy(pool, KEYS, chapter.keys),
    )?;
    Ok(())
}

async fn copy(pool: &PgPool, statement: &str, rows: Vec<u8>) -> sqlx::Result<()> {
    let mut copying = pool.copy_in_raw(statement).await?;
    copying.send(rows).await?;
    copying.finish().await?;
    Ok(())
}
