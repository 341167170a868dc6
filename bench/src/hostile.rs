//! Effect of one hostile account on others: their 95th percentile with it and without it, under
//! the default limits.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::load::{self, Load};
use crate::processes;
use crate::report::{Report, milliseconds};
use crate::requests::{Clients, Kind};
use crate::server::Server;
use crate::settings::Settings;

/// Connections of the others and their requests a second.
const OTHERS: usize = 50;
const RATE: u32 = 200;
/// Connections of the hostile account, which send as fast as they can, and those that it opens
/// and never reads.
const ATTACKING: usize = 32;
const UNREAD: usize = 40;
const WARM_UP: Duration = Duration::from_secs(2);

/// 95th percentiles of the others, and their requests that failed.
#[derive(Debug, Clone, Copy)]
struct Others {
    without: Duration,
    with: Duration,
    failed: u64,
}

/// Measures the others alone, then beside the hostile account, and reports both.
pub(crate) async fn measure(
    settings: &Settings,
    server: &Server,
    clients: &Arc<Clients>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let service = server.serve_with_limits().await?;
    let measured = beside(service.address(), clients, settings.load).await;
    let memory = service.process_id().map(|process| processes::memory(process).1);
    service.stop().await?;
    let Others { without, with, failed } = measured?;
    let (alone, beside) = (milliseconds(without), milliseconds(with));
    let ours = format!("p95 {beside} beside it, {alone} without it, {failed} failed");
    report.figure(
        "50 others beside one hostile account",
        ours,
        "under twice as long, none failed",
        String::new(),
    );
    if let Some(memory) = memory {
        let ours = format!("{memory:.0} MiB at its highest");
        report.figure("Memory of the process under this attack", ours, "under 300 MiB", String::new());
    }
    Ok(())
}

async fn beside(address: SocketAddr, clients: &Arc<Clients>, lasts: Duration) -> anyhow::Result<Others> {
    let load = Load { address, connections: OTHERS, warm_up: WARM_UP, lasts, rate: Some(RATE) };
    let alone = load::run(load, clients.requests(Kind::Mixed)).await?;
    let mut unread = Vec::new();
    for number in 0..UNREAD {
        let mut connection = TcpStream::connect(address).await?;
        let mut request = Vec::new();
        clients.unread(&mut request, number);
        connection.write_all(&request).await?;
        unread.push(connection);
    }
    let attack =
        Load { address, connections: ATTACKING, warm_up: Duration::ZERO, lasts: lasts + WARM_UP, rate: None };
    let (others, attacked) = tokio::join!(
        load::run(load, clients.requests(Kind::Mixed)),
        load::run(attack, clients.requests(Kind::Hostile))
    );
    attacked?;
    drop(unread);
    let others = others?;
    Ok(Others {
        without: alone.percentile(95.0),
        with: others.percentile(95.0),
        failed: alone.failed + others.failed,
    })
}
