//! Wrapped keys as they are stored, fetched in one round trip for all who miss some at the same moment.

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use sealing::Subject;
use sqlx::PgPool;
use uuid::Uuid;

use crate::StoreError;
use crate::batch::{Batcher, Unkeyed};

/// A key as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct WrappedKey {
    pub(crate) subject: Subject,
    /// The id of the master key, where that wraps it.
    pub(crate) wrapped_by: String,
    pub(crate) wrapped: Vec<u8>,
}

/// What somebody misses.
type Missing = Unkeyed<Vec<Subject>>;

type Fetched = Result<Vec<WrappedKey>, StoreError>;

/// Where those meet who miss keys.
#[derive(Debug)]
pub(crate) struct WrappedKeys(Batcher<Missing, Fetched>);

impl WrappedKeys {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self(Batcher::new(move |missing: Vec<Missing>| fetch_for_all(pool.clone(), missing).boxed()))
    }

    /// The keys that are there; destroyed ones are not.
    pub(crate) async fn fetch(&self, subjects: Vec<Subject>) -> Fetched {
        if subjects.is_empty() {
            return Ok(vec![]);
        }
        self.0.request(Unkeyed(subjects)).await.unwrap_or(Err(StoreError::TimedOut))
    }
}

/// Where a statement for several fails, each gets an outcome of their own.
fn fetch_for_all(pool: PgPool, missing: Vec<Missing>) -> BoxFuture<'static, Vec<Fetched>> {
    async move {
        let all: Vec<Subject> = missing.iter().flat_map(|missing| missing.0.iter().copied()).collect();
        match fetch(&pool, &all).await {
            Ok(keys) => missing.iter().map(|missing| Ok(of(missing, &keys))).collect(),
            Err(error) if missing.len() == 1 => vec![Err(error)],
            Err(_) => join_all(missing.iter().map(|missing| fetch(&pool, &missing.0))).await,
        }
    }
    .boxed()
}

/// `keys` is in the order of the subjects.
fn of(missing: &Missing, keys: &[WrappedKey]) -> Vec<WrappedKey> {
    let key = |subject: &Subject| {
        let place = keys.binary_search_by_key(subject, |key| key.subject).ok()?;
        keys.get(place).cloned()
    };
    missing.0.iter().filter_map(key).collect()
}

async fn fetch(pool: &PgPool, subjects: &[Subject]) -> Fetched {
    let (kinds, ids): (Vec<&str>, Vec<Uuid>) =
        subjects.iter().map(|subject| (subject.kind(), subject.id())).unzip();
    let rows: Vec<(String, Uuid, String, Vec<u8>)> = sqlx::query_as(
        // With sub-selects one plan serves any number of keys; bare arrays are planned anew for each length.
        "SELECT k.kind, k.id, k.wrapped_by, k.wrapped
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
        .map(|(kind, id, wrapped_by, wrapped)| {
            let subject =
                Subject::named(&kind, id).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            Ok(WrappedKey { subject, wrapped_by, wrapped })
        })
        .collect::<Result<_, StoreError>>()?;
    keys.sort_unstable_by_key(|key| key.subject);
    Ok(keys)
}
