//! `ask` on the stock repository of postgres-es, for comparison: the same aggregate and commands on the same
//! database, with the library's own tables and in event-store mode.
//!
//! The stock repository does less: it neither encrypts nor writes an outbox, and no ledger or
//! read model follows.

use std::time::{Duration, Instant};

use aggregates::conversation::{AskQuestion, Conversation, ConversationCommand, ConversationLimits, Intent};
use aggregates::{Actor, AnswerId, QuestionId, QuestionText};
use anyhow::Context as _;
use chrono::Utc;
use cqrs_es::CqrsFramework;
use cqrs_es::persist::PersistedEventStore;
use hdrhistogram::Histogram;
use postgres_es::{PostgresCqrs, PostgresEventRepository};
use sqlx::PgPool;
use store::Database;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::load;
use crate::population;

/// As many as the product's pool has by default.
const CONNECTIONS: u32 = 16;
/// As many as the load on the product.
const CLIENTS: usize = 64;
const QUESTIONS_PER_CONVERSATION: usize = 5;
const TEXT: &str = "How many questions does the stock repository take in a second on this machine?";

/// The result of a load.
pub(crate) struct StockRepository {
    pub(crate) throughput: f64,
    pub(crate) p95: Duration,
}

/// Asks for `lasts`, five questions in each conversation.
pub(crate) async fn measure(url: &str, lasts: Duration) -> anyhow::Result<StockRepository> {
    let pool = PgPool::from(Database::connect(&url.into(), CONNECTIONS)?);
    sqlx::raw_sql(CREATE_TABLES).execute(&pool).await?;
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let cqrs = stock(&pool);
        clients.spawn(async move { ask(&cqrs, client, lasts).await });
    }
    let mut all = load::latencies()?;
    while let Some(ended) = clients.join_next().await {
        all.add(ended??)?;
    }
    sqlx::raw_sql(DROP_TABLES).execute(&pool).await?;
    pool.close().await;
    Ok(StockRepository {
        throughput: all.len() as f64 / lasts.as_secs_f64(),
        p95: Duration::from_nanos(all.value_at_percentile(95.0)),
    })
}

fn stock(pool: &PgPool) -> PostgresCqrs<Conversation> {
    let repository =
        PostgresEventRepository::new(pool.clone()).with_tables("bench_stock_events", "bench_stock_snapshots");
    CqrsFramework::new(
        PersistedEventStore::new_event_store(repository),
        vec![],
        ConversationLimits::default(),
    )
}

async fn ask(
    cqrs: &PostgresCqrs<Conversation>,
    client: usize,
    lasts: Duration,
) -> anyhow::Result<Histogram<u64>> {
    let owner = Actor::User(population::user(client));
    let mut latencies = load::latencies()?;
    let began = Instant::now();
    while began.elapsed() < lasts {
        let conversation = Uuid::now_v7().to_string();
        for _ in 0..QUESTIONS_PER_CONVERSATION {
            let question = AskQuestion {
                question_id: QuestionId::new(Uuid::now_v7()),
                answer_id: AnswerId::new(Uuid::now_v7()),
                text: QuestionText::parse(TEXT)?,
                parent_id: None,
                documents: Vec::new(),
                by_tags: None,
                model: None,
            };
            let command = ConversationCommand {
                by: owner,
                at: Utc::now(),
                expected: None,
                intent: Intent::Ask(question),
            };
            let sent = Instant::now();
            cqrs.execute(&conversation, command).await.context("the stock repository refused a question")?;
            latencies.saturating_record(u64::try_from(sent.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
    }
    Ok(latencies)
}

/// The tables as postgres-es 0.5 documents them.
const CREATE_TABLES: &str = "
DROP TABLE IF EXISTS bench_stock_events, bench_stock_snapshots;
CREATE TABLE bench_stock_events (
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    sequence bigint NOT NULL CHECK (sequence >= 0),
    event_type text NOT NULL,
    event_version text NOT NULL,
    payload json NOT NULL,
    metadata json NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);
CREATE TABLE bench_stock_snapshots (
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    last_sequence bigint NOT NULL CHECK (last_sequence >= 0),
    current_snapshot bigint NOT NULL CHECK (current_snapshot >= 0),
    payload json NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, last_sequence)
)";
const DROP_TABLES: &str = "DROP TABLE bench_stock_events, bench_stock_snapshots";
