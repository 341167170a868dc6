//! The end of a campaign: no faults any more, and everything that was begun comes to its end.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use uuid::Uuid;

use super::history::{Fact, History};
use super::people::People;
use super::process::Process;
use super::system::System;

/// Longer than a document waits whose delivery was lost with the stream: two minutes, and up to one
/// for a sweep.
const PATIENCE: Duration = Duration::from_mins(5);
const POLL: Duration = Duration::from_millis(200);

/// Conditions that come true, each with a query for what is left to do.
const CONDITIONS: [(&str, &str); 4] = [
    ("events wait for their positions", "SELECT count(*) FROM outbox"),
    (
        "answers have not ended",
        "SELECT count(*) FROM events r WHERE r.event_type = 'AnswerRequested' AND NOT EXISTS
           (SELECT FROM events e WHERE e.aggregate_type = r.aggregate_type AND e.aggregate_id = r.aggregate_id
              AND e.event_type IN ('AnswerCompleted', 'AnswerStopped', 'AnswerFailed')
              AND e.payload ->> 'answer_id' = r.payload ->> 'answer_id')",
    ),
    (
        "documents are neither indexed nor rejected nor removed",
        "SELECT count(*) FROM events a WHERE a.event_type = 'DocumentAdded' AND NOT EXISTS
           (SELECT FROM events e WHERE e.aggregate_type = a.aggregate_type AND e.aggregate_id = a.aggregate_id
              AND e.event_type IN ('DocumentIndexed', 'DocumentRejected', 'DocumentRemoved'))
           AND NOT EXISTS (SELECT FROM erasures WHERE erasures.owner = a.owner)",
    ),
    (
        "erasures are not finished",
        "SELECT greatest(1 - (SELECT count(*) FROM erasures), 0)
              + (SELECT count(*) FROM erasures WHERE finished_at IS NULL)",
    ),
];

/// Ends the devices, waits until the product has nothing left to do, and ends the streams. What does not come
/// true in time is a violation.
pub(super) async fn settle(system: &System, history: &History, people: &mut People) {
    history.record(Fact::Fault("no faults any more".to_owned()));
    people.rest().await;
    for (left, query) in CONDITIONS {
        let nothing_left = async || match count(&system.pool, query).await {
            Some(0) => None,
            Some(count) => Some(format!("{count} {left}")),
            None => Some("the database did not answer".to_owned()),
        };
        wait(history, nothing_left).await;
    }
    wait(history, async || behind(&system.pool).await).await;
    let caught_up = async || {
        let told = history.told(|who| who != people.erased());
        let stored = stored(&system.pool, people).await?;
        let missing = stored.saturating_sub(told);
        (missing > 0).then(|| format!("{missing} ends of answers were told by no resumed stream"))
    };
    wait(history, caught_up).await;
    people.hang_up().await;
    for failure in system.processes.iter().filter_map(Process::failure) {
        history.record(Fact::Broken(failure));
    }
}

/// Asks until nothing is left to be said.
async fn wait(history: &History, mut left: impl AsyncFnMut() -> Option<String>) {
    let began = Instant::now();
    while let Some(what) = left().await {
        if began.elapsed() > PATIENCE {
            println!("after {} s without faults: {what}", PATIENCE.as_secs());
            return history.record(Fact::Broken(format!("after {} s: {what}", PATIENCE.as_secs())));
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn count(pool: &PgPool, query: &'static str) -> Option<i64> {
    sqlx::query_scalar(query).fetch_one(pool).await.ok()
}

/// Lag of the read models behind the ledger, in words.
async fn behind(pool: &PgPool) -> Option<String> {
    let head = count(pool, "SELECT coalesce(max(position), 0) FROM ledger").await;
    let lowest = projections::lowest_checkpoint(pool).await.ok();
    let lowest = lowest.and_then(|position| i64::try_from(position.0).ok());
    (head.is_none() || head != lowest).then(|| format!("the read models are at {lowest:?} of {head:?}"))
}

/// Ends of answers of everybody who is still there. `None` while the database does not answer.
async fn stored(pool: &PgPool, people: &People) -> Option<usize> {
    let present = people.clients.iter().filter(|client| client.who != people.erased());
    let users: Vec<Uuid> = present.map(|client| client.user).collect();
    let ends = sqlx::query_scalar::<_, i64>(
        "SELECT count(*) FROM events WHERE owner = ANY ($1)
           AND event_type IN ('AnswerCompleted', 'AnswerStopped', 'AnswerFailed')",
    );
    let ends = ends.bind(users).fetch_one(pool).await.ok()?;
    usize::try_from(ends).ok()
}
