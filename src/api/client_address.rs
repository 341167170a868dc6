//! The client of a request: the peer of the connection, or the address that trusted proxies name.
//!
//! A client can send the headers of proxies too. So they count only if the peer is a trusted proxy, and are
//! read from their end, where the trusted proxy has appended the address of its own peer: the first address
//! that is no trusted proxy is the client. Whatever stands left of it was written by the client.

mod forwarded;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use forwarded::Forwarded;

/// The address of the client, appended by each proxy.
pub(in crate::api) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// First part of the names of headers by which proxies describe a request.
const X_FORWARDED: &str = "x-forwarded-";
/// Other such headers.
const PROXY_HEADERS: [HeaderName; 2] = [axum::http::header::FORWARDED, HeaderName::from_static("x-real-ip")];
/// Bits of an IPv6 address that a provider assigns to one customer.
const IPV6_PREFIX_BITS: u32 = 64;
/// Longest chain of trusted proxies that is followed.
const MAX_PROXIES: usize = 32;

/// The client of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Client {
    /// Its address, as far as it is known.
    pub(in crate::api) address: IpAddr,
    /// Whether a trusted proxy named the address.
    pub(in crate::api) is_forwarded: bool,
    /// Whether a trusted proxy says that the client came by HTTP without TLS.
    pub(in crate::api) is_plain: bool,
}

/// The proxies whose headers count.
#[derive(Debug, Clone)]
pub(in crate::api) struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    pub(in crate::api) fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// Whether an address is that of a trusted proxy.
    pub(in crate::api) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client of a request on a connection from `peer`.
    pub(in crate::api) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        if !self.contains(peer) {
            return Client { address: peer, is_forwarded: false, is_plain: false };
        }
        let forwarded = Forwarded::from_headers(headers);
        let address = self.address(peer, headers, &forwarded);
        let scheme = forwarded.scheme().or_else(|| first_value(headers, &X_FORWARDED_PROTO));
        let is_plain = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
        Client { address, is_forwarded: address != peer, is_plain }
    }

    /// A proxy writes one of the two headers and may pass the other one on as the client sent it. Where they
    /// contradict each other, it is not known which of them is true, and neither counts.
    fn address(&self, peer: IpAddr, headers: &HeaderMap, forwarded: &Forwarded<'_>) -> IpAddr {
        let list = headers.contains_key(X_FORWARDED_FOR).then(|| self.first_unknown(peer, listed(headers)));
        let described = headers
            .contains_key(axum::http::header::FORWARDED)
            .then(|| self.first_unknown(peer, forwarded.hops()));
        match (list, described) {
            (Some(one), Some(other)) if one != other => peer,
            (Some(address), _) | (None, Some(address)) => address,
            (None, None) => peer,
        }
    }

    /// Follows the chain from the peer to the first address that is no trusted proxy. The chain ends at a hop
    /// without a valid address: nobody vouches for what stands beyond it.
    fn first_unknown(&self, peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut address = peer;
        for hop in hops.take(MAX_PROXIES) {
            let Some(hop) = hop else { break };
            address = hop;
            if !self.contains(hop) {
                break;
            }
        }
        address
    }
}

/// The hops of `X-Forwarded-For`, the nearest one first.
fn listed(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let fields = headers.get_all(X_FORWARDED_FOR).iter().rev();
    fields.flat_map(|field| field.to_str().unwrap_or_default().rsplit(',')).map(address)
}

fn first_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()?.split(',').next().map(str::trim)
}

/// The address of a node, with a port or without: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`,
/// `[2001:db8::1]` or `[2001:db8::1]:4711`. `None` for `unknown`, for an obfuscated name and
/// for everything else.
fn address(node: &str) -> Option<IpAddr> {
    let node = node.trim();
    let address: IpAddr = if let Some(rest) = node.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let is_valid = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        address.parse::<Ipv6Addr>().ok().filter(|_| is_valid)?.into()
    } else if let Ok(address) = node.parse() {
        address
    } else {
        let (address, port) = node.split_once(':')?;
        IpAddr::V4(address.parse().ok().filter(|_| is_port(port))?)
    };
    Some(address.to_canonical())
}

/// Whether a text is a port, or the obfuscated name of one.
fn is_port(port: &str) -> bool {
    let is_named =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    port.strip_prefix('_').map_or_else(|| port.parse::<u16>().is_ok(), is_named)
}

/// The part of an address that its owner cannot choose.
pub(in crate::api) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let prefix = u128::MAX << (Ipv6Addr::BITS - IPV6_PREFIX_BITS);
            Ipv6Addr::from_bits(address.to_bits() & prefix).into()
        }
    }
}

/// Removes what a client or a proxy says about the way of a request.
pub(in crate::api) fn remove_proxy_headers(headers: &mut HeaderMap) {
    let named = headers.keys().filter(|name| name.as_str().starts_with(X_FORWARDED)).cloned();
    let named: Vec<HeaderName> = named.chain(PROXY_HEADERS).collect();
    for name in named {
        headers.remove(name);
    }
}
