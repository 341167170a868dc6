//! One collection's engine on disk: who may touch it when, and what makes a change durable.
//!
//! The engine writes a log of its own but never reads it back, so a change is acknowledged only after the engine
//! has flushed its files; changes that arrive meanwhile share the next flush. One writer at a time (the engine's
//! flush demands it), any number of readers beside it. Nothing here knows gRPC.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use qdrant_edge::{
    CreateIndex, EdgeConfig, EdgeShard, FieldIndexOperations, PayloadFieldSchema, UpdateOperation,
};
use tokio::sync::{OwnedMutexGuard, OwnedRwLockReadGuard, RwLock, oneshot};
use tokio::task::spawn_blocking;

use crate::failure::Failure;

/// Free space, in bytes, under which changes are refused: writing to a mapped file on a full disk would kill the
/// process in place of failing.
const SPACE_NEEDED: u64 = 128 * 1024 * 1024;

/// Size of the engine's log, in bytes, from which it is worth reopening the shard to get rid of the log's old part.
const LOG_LIMIT: u64 = 128 * 1024 * 1024;

type Answer = oneshot::Sender<Result<u64, Failure>>;
type Engine = OwnedRwLockReadGuard<Option<EdgeShard>>;

/// A change on its way into the engine.
struct Change {
    operation: UpdateOperation,
    answer: Answer,
}

/// The engine of one collection.
pub(crate) struct Shard {
    name: String,
    path: PathBuf,
    /// Empty once the collection is closed or deleted.
    engine: Arc<RwLock<Option<EdgeShard>>>,
    writer: Arc<tokio::sync::Mutex<()>>,
    waiting: Mutex<Vec<Change>>,
    changes: AtomicU64,
    touched: AtomicBool,
    untidy: AtomicBool,
}

impl Shard {
    /// Creates the engine's files in the folder `path`, which must exist and be empty. Blocks.
    pub(crate) fn create(name: &str, path: &Path, config: EdgeConfig) -> Result<(), Failure> {
        check_space(path)?;
        let shard = EdgeShard::new(path, config)?;
        tracing::debug!(collection.name = name, "created");
        drop(shard);
        Ok(())
    }

    /// Opens the engine whose files lie in the folder `path`. Blocks.
    pub(crate) fn open(name: &str, path: &Path) -> Result<Self, Failure> {
        Ok(Self {
            name: name.to_owned(),
            path: path.to_owned(),
            engine: Arc::new(RwLock::new(Some(load(path)?))),
            writer: Arc::default(),
            waiting: Mutex::default(),
            changes: AtomicU64::new(0),
            touched: AtomicBool::new(false),
            untidy: AtomicBool::new(false),
        })
    }

    /// Runs `work` on the engine, on a thread that may block.
    pub(crate) async fn read<T, W>(&self, work: W) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: FnOnce(&EdgeShard) -> Result<T, Failure> + Send + 'static,
    {
        let engine = Arc::clone(&self.engine).read_owned().await;
        let missing = Failure::MissingCollection(self.name.clone());
        spawn_blocking(move || work(engine.as_ref().ok_or(missing)?))
            .await
            .map_err(|error| Failure::from_task(&error))?
    }

    /// Applies a change and returns its number once it is on disk. Goes on when the caller goes away.
    pub(crate) async fn write(self: &Arc<Self>, operation: UpdateOperation) -> Result<u64, Failure> {
        let (answer, outcome) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Change { operation, answer });
        tokio::spawn(Arc::clone(self).commit());
        outcome
            .await
            .unwrap_or_else(|_| Err(Failure::Internal("the engine failed to store the change".to_owned())))
    }

    /// Takes its turn as the writer and stores whatever waits by then, in the order of arrival.
    async fn commit(self: Arc<Self>) {
        let turn = Arc::clone(&self.writer).lock_owned().await;
        let engine = Arc::clone(&self.engine).read_owned().await;
        let changes = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if changes.is_empty() {
            return;
        }
        self.touched.store(true, Ordering::Relaxed);
        self.untidy.store(true, Ordering::Relaxed);
        let stored = spawn_blocking(move || self.store(&turn, &engine, changes)).await;
        if let Err(error) = stored {
            tracing::error!(%error, "the engine failed to store changes");
        }
    }

    fn store(&self, _turn: &OwnedMutexGuard<()>, engine: &Engine, changes: Vec<Change>) {
        let mut outcomes = Vec::with_capacity(changes.len());
        for Change { operation, answer } in changes {
            outcomes.push((self.apply(engine, operation), answer));
        }
        if let Some(engine) = engine.as_ref() {
            engine.flush();
        }
        for (outcome, answer) in outcomes {
            // Who asked may be gone; the change is stored all the same.
            let _ = answer.send(outcome);
        }
    }

    fn apply(&self, engine: &Engine, operation: UpdateOperation) -> Result<u64, Failure> {
        let engine = engine.as_ref().ok_or_else(|| Failure::MissingCollection(self.name.clone()))?;
        check_space(&self.path)?;
        engine.update(operation)?;
        Ok(self.changes.fetch_add(1, Ordering::Relaxed))
    }

    /// Lets the engine merge and index its segments when nothing has been written since the last call, and drops
    /// the old part of its log. Meant to be called every few seconds; cheap when there is nothing to do.
    pub(crate) async fn tidy(&self) -> Result<(), Failure> {
        if self.touched.swap(false, Ordering::Relaxed) || !self.untidy.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let turn = Arc::clone(&self.writer).lock_owned().await;
        let engine = Arc::clone(&self.engine).read_owned().await;
        spawn_blocking(move || optimize(&turn, &engine))
            .await
            .map_err(|error| Failure::from_task(&error))??;
        if log_size(&self.path) > LOG_LIMIT {
            self.reopen().await?;
        }
        Ok(())
    }

    /// Closes the engine and opens it again without the old part of its log. Calls meanwhile wait.
    async fn reopen(&self) -> Result<(), Failure> {
        let mut engine = Arc::clone(&self.engine).write_owned().await;
        let path = self.path.clone();
        spawn_blocking(move || {
            if engine.take().is_some() {
                *engine = Some(load(&path)?);
            }
            Ok(())
        })
        .await
        .map_err(|error| Failure::from_task(&error))?
    }

    /// Waits for the calls under way, flushes and closes. Every later call finds the collection missing.
    pub(crate) async fn close(&self) -> Result<(), Failure> {
        let mut engine = Arc::clone(&self.engine).write_owned().await;
        spawn_blocking(move || drop(engine.take())).await.map_err(|error| Failure::from_task(&error))
    }
}

fn load(path: &Path) -> Result<EdgeShard, Failure> {
    check_space(path)?;
    drop_old_log(path).map_err(|error| Failure::Internal(format!("failed to shorten the log: {error}")))?;
    let shard = EdgeShard::load(path, None)?;
    renew_indexes(&shard)?;
    Ok(shard)
}

fn optimize(_turn: &OwnedMutexGuard<()>, engine: &Engine) -> Result<(), Failure> {
    let Some(engine) = engine.as_ref() else {
        return Ok(());
    };
    if engine.optimize()? {
        renew_indexes(engine)?;
        engine.flush();
    }
    Ok(())
}

/// Gives every segment the payload indexes that any of them has: the engine creates new segments without them.
fn renew_indexes(shard: &EdgeShard) -> Result<(), Failure> {
    for (field_name, index) in shard.info().payload_schema {
        let schema = match index.params {
            Some(params) => PayloadFieldSchema::FieldParams(params),
            None => PayloadFieldSchema::FieldType(index.data_type),
        };
        let create = CreateIndex { field_name, field_schema: Some(schema) };
        shard.update(UpdateOperation::FieldIndexOperation(FieldIndexOperations::CreateIndex(create)))?;
    }
    Ok(())
}

/// The closed files of the engine's log with the number of their first entry, oldest first.
fn closed_logs(path: &Path) -> std::io::Result<Vec<(u64, PathBuf)>> {
    let mut logs = Vec::new();
    for entry in std::fs::read_dir(path.join("wal"))? {
        let entry = entry?;
        let name = entry.file_name();
        if let Some(first) = name.to_str().and_then(|name| name.strip_prefix("closed-")?.parse().ok()) {
            logs.push((first, entry.path()));
        }
    }
    logs.sort_unstable();
    Ok(logs)
}

/// Removes all closed files of the log but the newest, from which the engine goes on counting. What they hold has
/// been flushed into the segments before it was acknowledged.
fn drop_old_log(path: &Path) -> std::io::Result<()> {
    let mut logs = closed_logs(path)?;
    logs.pop();
    for (_, log) in logs {
        std::fs::remove_file(log)?;
    }
    Ok(())
}

fn log_size(path: &Path) -> u64 {
    let logs = closed_logs(path).unwrap_or_default();
    logs.iter().filter_map(|(_, log)| log.metadata().ok()).map(|metadata| metadata.len()).sum()
}

fn check_space(path: &Path) -> Result<(), Failure> {
    match fs4::available_space(path) {
        Ok(free) if free < SPACE_NEEDED => Err(Failure::Internal(format!(
            "No space left on device: {} has {free} bytes free, {SPACE_NEEDED} are needed",
            path.display()
        ))),
        Ok(_) => Ok(()),
        Err(error) => {
            Err(Failure::Internal(format!("failed to read the free space of {}: {error}", path.display())))
        }
    }
}

#[cfg(test)]
mod tests;
