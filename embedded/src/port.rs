//! Free loopback ports below the range that the kernel uses for outgoing connections: while a service is
//! stopped, no connection of a test can take its port.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::{Error, Result, random};

const LOWEST: u16 = 15_000;
const ATTEMPTS: usize = 200;

/// A loopback address on which no program listens at this moment.
pub fn free_port() -> Result<SocketAddr> {
    let count = first_outgoing_port().saturating_sub(LOWEST).max(1_000);
    for _ in 0..ATTEMPTS {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, LOWEST + random::below(count)?));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(Error::NoPort)
}

fn first_outgoing_port() -> u16 {
    std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next().and_then(|port| port.parse().ok()))
        .unwrap_or(32_768)
}
