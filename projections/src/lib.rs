//! The read models: how each is projected from events, and how it is queried.
//!
//! Each module holds one read model. Its `apply` folds a batch of the ledger into rows; the number of
//! statements does not depend on the size of the batch. Each query beside it takes one round trip. Private
//! columns hold ciphertext: queries return sealed rows, and the caller opens them with the content key.
//!
//! To add a read model: its table and checkpoint in a migration, a module here, a variant of [`ReadModel`].

pub mod accounts;
mod batch;
mod checkpoints;
pub mod conversations;
pub mod documents;
mod erased;
mod error;
pub mod expired;
#[cfg(feature = "faults")]
pub mod faults;
pub mod messages;
mod project;
mod purge;
pub mod quarantine;
mod raw_json;
mod read_model;
mod rebuild;
mod replay;
pub mod search;
mod unprojected;
pub mod usage;
pub mod vitals;

pub use batch::{LedgerBatch, UnappliedEvent, bounded};
pub use checkpoints::{ensure_checkpoints, highest_checkpoint, lowest_checkpoint};
pub use error::QueryError;
pub use project::project;
pub use purge::{count_owner_rows, delete_owner_rows};
pub use raw_json::RawJson;
pub use read_model::{DecryptedEvent, ReadModel, UnknownReadModel};
pub use rebuild::{Difference, LockedRebuild, Rebuild};
pub use replay::{Replayed, replay};
pub use unprojected::{Behind, Unprojected, unprojected};

/// One page of a list, and the cursor of the next page.
#[derive(Debug, Clone)]
pub struct Page<T, C> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// The cursor after the last item; `None` on the last page.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// Makes a page of rows that were read with `limit + 1`: the additional row only shows
    /// that another page follows.
    fn of(mut items: Vec<T>, limit: u32, cursor: impl FnOnce(&T) -> C) -> Self {
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| more).map(cursor);
        Self { items, next }
    }
}

/// Wraps a query of one owner's rows so that row-level security applies the same owner as the query.
///
/// The query reads the owner as `me.owner`. `$1` is the owner as text. The sub-select sets the owner for
/// row-level security and returns it, so Postgres always sets it before it reads a row, without a round trip
/// of its own.
///
/// Statements for many owners pass arrays through sub-selects, `UNNEST((SELECT $1::uuid[]))`: Postgres then
/// estimates ten rows for an array of any length, and keeps one plan. With bare parameters it plans
/// again for each length, which takes longer than reading one conversation's messages (490 µs instead of 160
/// µs in all).
macro_rules! owned {
    ($query:literal) => {
        concat!(
            "SELECT x.* FROM (SELECT set_config('colloquy.owner', $1::text, true)::uuid AS owner OFFSET 0) AS me
              CROSS JOIN LATERAL (",
            $query,
            ") AS x"
        )
    };
}
pub(crate) use owned;
