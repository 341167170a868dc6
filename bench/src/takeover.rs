//! Time until a role goes on after its process stopped without a word, as a frozen machine does.
//!
//! Two processes have each role. One of them is frozen while questions are under way; the time counts until
//! these and a later question are answered to their end and the read models are level. The frozen process then
//! goes on beside the other one, and the next try freezes the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use embedded::Service;
use sqlx::PgPool;
use store::Database;

use crate::first_words;
use crate::progress;
use crate::report::{Report, milliseconds};
use crate::requests::Clients;
use crate::server::Server;

/// Roles with the names of both processes. Every api process serves its own clients, so that none takes over.
const ROLES: [(&str, [&str; 2]); 3] = [
    ("sequencer", ["sequencer_1", "sequencer_2"]),
    ("projector", ["projector_1", "projector_2"]),
    ("worker", ["worker_1", "worker_2"]),
];
const TRIES: usize = 20;
const LIMIT: Duration = Duration::from_secs(10);
/// Questions under way when a process is frozen.
const UNDER_WAY: usize = 6;
/// From sending them until then: some wait, some are being answered.
const HEAD_START: Duration = Duration::from_millis(15);
/// Longest wait for an answer whose worker was frozen.
const PATIENCE: Duration = Duration::from_mins(2);

/// Measures and reports the takeovers of each role.
pub(crate) async fn measure(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let tokens: Vec<String> =
        (0..=UNDER_WAY).map(|user| server.accounts.token(user)).collect::<Result<_, _>>()?;
    let clients = Clients::new(&tokens, tokens.len());
    let (database_url, mut environment) = server.empty_database("takeover").await?;
    let qdrant = server.knowledge(&mut environment).await?;
    let api = server.role("api_1", "api", &environment).await?;
    let mut roles = Vec::new();
    for (role, names) in ROLES {
        let first = server.role(names[0], role, &environment).await?;
        roles.push((role, [first, server.role(names[1], role, &environment).await?]));
    }
    let pool = PgPool::from(Database::connect(&database_url.as_str().into(), 2)?);
    // The workers have read their model once an answer is complete.
    first_words::one(api.address(), &clients, 0).await?;
    for (role, both) in &roles {
        let mut times = Vec::new();
        for number in 0..TRIES {
            let one = &both[number % both.len()];
            times.push(attempt(one, &api, &pool, &clients).await.with_context(|| format!("the {role}"))?);
        }
        tell(role, times, report);
    }
    pool.close().await;
    for (_, both) in &roles {
        for process in both {
            process.stop().await?;
        }
    }
    api.stop().await?;
    qdrant.stop().await?;
    Ok(())
}

/// Freezes a process, and returns the time until all questions are answered.
async fn attempt(
    one: &Service,
    api: &Service,
    pool: &PgPool,
    clients: &Arc<Clients>,
) -> anyhow::Result<Duration> {
    let ask = |user: usize| {
        let (address, clients) = (api.address(), Arc::clone(clients));
        tokio::spawn(async move { first_words::one_within(address, &clients, user, PATIENCE).await })
    };
    let mut asked: Vec<_> = (0..UNDER_WAY).map(ask).collect();
    tokio::time::sleep(HEAD_START).await;
    one.pause();
    let frozen = Instant::now();
    asked.push(ask(UNDER_WAY));
    let outcome = async {
        for question in asked {
            question.await??;
        }
        progress::until_level(pool).await
    };
    let outcome = outcome.await;
    let passed = frozen.elapsed();
    one.resume();
    outcome?;
    Ok(passed)
}

fn tell(role: &str, mut times: Vec<Duration>, report: &mut Report) {
    times.sort_unstable();
    let in_time = times.iter().filter(|time| **time < LIMIT).count();
    let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
    let ours = format!(
        "{in_time} of {} under {} s, median {}, longest {}",
        times.len(),
        LIMIT.as_secs(),
        milliseconds(median),
        milliseconds(longest)
    );
    report.figure(&format!("Takeover of a frozen {role}"), ours, "all under 10 s", String::new());
}
