//! `colloquy healthcheck`: asks the process of this machine whether it works, for a container
//! without a shell.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

/// Longest wait for the answer.
const TIME_LIMIT: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Check only that the process runs.
    #[arg(long)]
    live: bool,
    /// Address of the HTTP server of the process.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Address of the probes of the process, which comes first.
    #[arg(long, env = "ADMIN_LISTEN")]
    admin_listen: Option<SocketAddr>,
}

/// Succeeds if the process answers with 200.
pub(super) async fn run(Arguments { live, listen, admin_listen }: Arguments) -> anyhow::Result<()> {
    let path = if live { "livez" } else { "readyz" };
    let url = format!("http://{}/{path}", reachable(admin_listen.unwrap_or(listen)));
    let client = reqwest::Client::builder().timeout(TIME_LIMIT).no_proxy().build()?;
    let response = client.get(&url).send().await.with_context(|| format!("no answer at {url}"))?;
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    if !status.is_success() {
        bail!("{url} answered {status}: {body}");
    }
    println!("{}", body.trim());
    Ok(())
}

/// An address that a client can connect to.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_the_machine_is_asked_at_loopback() {
        for (listen, asked) in
            [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("192.0.2.1:80", "192.0.2.1:80")]
        {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), asked);
        }
    }
}
