//! Wrapped keys as they are stored. Concurrent reads share a round trip.

use aggregates::UserId;
use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use sealing::Subject;
use sqlx::FromRow;
use uuid::Uuid;

use crate::StoreError;
use crate::batch::{Batcher, Unkeyed};
use database::Pool;

/// A key as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct WrappedKey {
    pub(crate) subject: Subject,
    pub(crate) owner: UserId,
    /// The id of the master key; empty for a content key, which the owner's key wraps.
    pub(crate) wrapped_by: String,
    pub(crate) wrapped: Vec<u8>,
}

/// The subjects whose keys one caller needs.
type Wanted = Unkeyed<Vec<Subject>>;

type Fetched = Result<Vec<WrappedKey>, StoreError>;

/// Fetches wrapped keys.
#[derive(Debug)]
pub(crate) struct WrappedKeys(Batcher<Wanted, Fetched>);

impl WrappedKeys {
    pub(crate) fn new(pool: Pool) -> Self {
        Self(Batcher::new(move |wanted: Vec<Wanted>| fetch_for_all(pool.clone(), wanted).boxed()))
    }

    /// The keys of these subjects that exist. Destroyed keys do not.
    pub(crate) async fn fetch(&self, subjects: Vec<Subject>) -> Fetched {
        if subjects.is_empty() {
            return Ok(vec![]);
        }
        self.0.request(Unkeyed(subjects)).await.unwrap_or(Err(StoreError::TimedOut))
    }
}

/// Runs one statement for all callers. If it fails, each caller gets a statement and an outcome of its own.
fn fetch_for_all(pool: Pool, wanted: Vec<Wanted>) -> BoxFuture<'static, Vec<Fetched>> {
    async move {
        let all: Vec<Subject> = wanted.iter().flat_map(|wanted| wanted.0.iter().copied()).collect();
        match fetch(&pool, &all).await {
            Ok(keys) => wanted.iter().map(|wanted| Ok(select(wanted, &keys))).collect(),
            Err(error) if wanted.len() == 1 => vec![Err(error)],
            Err(_) => join_all(wanted.iter().map(|wanted| fetch(&pool, &wanted.0))).await,
        }
    }
    .boxed()
}

/// Selects the keys of one caller. `keys` is in the order of the subjects.
fn select(wanted: &Wanted, keys: &[WrappedKey]) -> Vec<WrappedKey> {
    let key = |subject: &Subject| {
        let index = keys.binary_search_by_key(subject, |key| key.subject).ok()?;
        keys.get(index).cloned()
    };
    wanted.0.iter().filter_map(key).collect()
}

#[derive(FromRow)]
struct Row {
    kind: String,
    id: Uuid,
    owner: UserId,
    wrapped_by: String,
    wrapped: Vec<u8>,
}

async fn fetch(pool: &Pool, subjects: &[Subject]) -> Fetched {
    let (kinds, ids): (Vec<&str>, Vec<Uuid>) =
        subjects.iter().map(|subject| (subject.kind(), subject.id())).unzip();
    let rows: Vec<Row> = sqlx::query_as(
        // With sub-selects one plan serves any number of keys. Bare arrays are planned again for each length.
        "SELECT k.kind, k.id, k.owner, k.wrapped_by, k.wrapped
           FROM UNNEST((SELECT $1::text[]), (SELECT $2::uuid[])) AS wanted (kind, id)
           JOIN keys k ON k.kind = wanted.kind AND k.id = wanted.id
          WHERE k.wrapped IS NOT NULL",
    )
    .bind(kinds)
    .bind(ids)
    .fetch_all(pool)
    .await?;
    let mut keys: Vec<WrappedKey> = rows
        .into_iter()
        .map(|Row { kind, id, owner, wrapped_by, wrapped }| {
            let subject = Subject::named(&kind, id).map_err(StoreError::UnknownKeyKind)?;
            Ok(WrappedKey { subject, owner, wrapped_by, wrapped })
        })
        .collect::<Result<_, StoreError>>()?;
    keys.sort_unstable_by_key(|key| key.subject);
    Ok(keys)
}
