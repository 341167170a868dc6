//! What a statement costs behind a pooler, with prepared statements and without.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aggregates::account::AccountCommand;
use aggregates::{Actor, Metadata, UserId};
use store::{Database, Keyring, PreparedStatements, Store};

use crate::population;
use crate::report::{Report, milliseconds};
use crate::server::Server;

const WARM_UP: usize = 200;
const STATEMENTS: usize = 2_000;

/// Median times of one statement after the other.
#[derive(Debug)]
struct Times {
    read: Duration,
    /// Reads the aggregate, which is new, and appends its first event.
    command: Duration,
}

/// Measures a read and a command through a pooler that keeps sessions, with prepared statements, and through
/// one in transaction mode, without.
pub(crate) async fn measure(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let database_url = server.empty_database("statements").await?.0;
    let on = through(server, &database_url, "session", PreparedStatements::On).await?;
    let off = through(server, &database_url, "transaction", PreparedStatements::Off).await?;
    for (what, on, off) in [("read", on.read, off.read), ("command", on.command, off.command)] {
        let what = format!("A {what} through PgBouncer, one after the other");
        let (on, off) = (milliseconds(on), milliseconds(off));
        report.figure(
            &what,
            format!("median {on} with prepared statements, {off} without"),
            "",
            String::new(),
        );
    }
    Ok(())
}

async fn through(
    server: &Server,
    database_url: &str,
    mode: &str,
    prepared: PreparedStatements,
) -> anyhow::Result<Times> {
    let pooler = server.pooler_with(database_url, &format!("pool_mode = {mode}\n")).await?;
    let url = pooler.url(database_url).into();
    let connect = |connections| Database::connect_by(&url, connections, prepared);
    let keyring = Arc::new(Keyring::new(connect(1)?, server.master_key()?));
    let store = Store::new(connect(1)?, keyring);
    let mut users = (0..).map(population::user);
    let mut user = || users.next().unwrap_or_else(|| population::user(0));
    let read = median(async || {
        store.known_accounts(&[user()]).await?;
        Ok(())
    })
    .await?;
    let command = median(async || {
        let user = user();
        store.accounts().execute(user.uuid(), (user, AccountCommand::Open), &metadata(user), None).await?;
        Ok(())
    })
    .await?;
    pooler.stop().await?;
    Ok(Times { read, command })
}

fn metadata(user: UserId) -> Metadata {
    Metadata {
        owner: user,
        actor: Actor::User(user),
        correlation_id: user.uuid(),
        causation_id: None,
        traceparent: None,
    }
}

async fn median(mut run: impl AsyncFnMut() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    for _ in 0..WARM_UP {
        run().await?;
    }
    let mut times = Vec::with_capacity(STATEMENTS);
    for _ in 0..STATEMENTS {
        let began = Instant::now();
        run().await?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times[STATEMENTS / 2])
}
