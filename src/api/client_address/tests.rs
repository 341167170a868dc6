//! Chains of proxies, and clients that forge them.

use proptest::prelude::*;

use super::*;

const PROXY: &str = "10.0.0.1";

fn proxies() -> TrustedProxies {
    let networks = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
    TrustedProxies::new(&networks)
}

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

/// The client of a request from a peer with these fields.
fn client(peer: &str, fields: &[(&'static str, &str)]) -> Client {
    proxies().client(peer.parse().unwrap(), &headers(fields))
}

fn address_of(fields: &[(&'static str, &str)]) -> String {
    client(PROXY, fields).address.to_string()
}

#[test]
fn headers_of_an_untrusted_peer_say_nothing() {
    let fields =
        [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1"), ("x-forwarded-proto", "http")];
    let peer = "203.0.113.9".parse().unwrap();
    let untrusted = Client { address: peer, is_forwarded: false, is_plain: false };
    assert_eq!(client("203.0.113.9", &fields), untrusted);
    assert_eq!(TrustedProxies::new(&[]).client(peer, &headers(&fields)), untrusted);
}

#[test]
fn the_client_is_the_last_address_that_is_no_trusted_proxy() {
    for (list, expected) in [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1, 10.9.9.9", "192.0.2.1"),
        ("203.0.113.66, 192.0.2.1", "192.0.2.1"),
        ("203.0.113.66,192.0.2.1,10.0.0.2,fd00::7", "192.0.2.1"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ] {
        assert_eq!(address_of(&[("x-forwarded-for", list)]), expected, "{list}");
    }
    let lines = [("x-forwarded-for", "203.0.113.66"), ("x-forwarded-for", "192.0.2.1")];
    let mut several = HeaderMap::new();
    for (name, value) in lines {
        several.append(name, value.parse().unwrap());
    }
    let client = proxies().client(PROXY.parse().unwrap(), &several);
    assert_eq!((client.address.to_string().as_str(), client.is_forwarded), ("192.0.2.1", true));
}

#[test]
fn a_hop_without_an_address_ends_the_chain() {
    for (list, expected) in [
        ("unknown", PROXY),
        ("", PROXY),
        ("192.0.2.1,", PROXY),
        ("192.0.2.1, unknown", PROXY),
        ("192.0.2.1, _hidden, 10.0.0.2", "10.0.0.2"),
        ("192.0.2.1, 10.0.0.256", PROXY),
        ("192.0.2.1:port", PROXY),
        ("192.0.2.1:70000", PROXY),
        ("[2001:db8::1", PROXY),
        ("[192.0.2.1]", PROXY),
        ("fe80::1%eth0", PROXY),
        ("\"192.0.2.1\"", PROXY),
        ("192.0.2.1 192.0.2.2", PROXY),
    ] {
        assert_eq!(address_of(&[("x-forwarded-for", list)]), expected, "{list}");
    }
}

#[test]
fn the_header_forwarded_counts_in_the_same_way() {
    for (field, expected) in [
        ("for=192.0.2.1", "192.0.2.1"),
        ("For=\"[2001:db8::1]:4711\";Proto=https;by=10.0.0.1", "2001:db8::1"),
        ("for=203.0.113.66, for=192.0.2.1;proto=https, for=10.0.0.2", "192.0.2.1"),
        ("for=\"192.0.2.1:_http\"", "192.0.2.1"),
        ("for=192.0.2.1:4711", "192.0.2.1"),
        ("for=unknown", PROXY),
        ("for=192.0.2.1, for=_SEVKISEK", PROXY),
        ("proto=https", PROXY),
        ("for=\"192.0.2.1", PROXY),
    ] {
        assert_eq!(address_of(&[("forwarded", field)]), expected, "{field}");
    }
}

#[test]
fn neither_header_counts_where_the_two_contradict_each_other() {
    let forged = [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=203.0.113.66")];
    assert_eq!(address_of(&forged), PROXY);
    let same = [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1")];
    assert_eq!(address_of(&same), "192.0.2.1");
}

#[test]
fn a_trusted_proxy_says_by_which_scheme_the_client_came() {
    let is_plain = |name, value| client(PROXY, &[(name, value)]).is_plain;
    assert!(is_plain("x-forwarded-proto", "http") && is_plain("x-forwarded-proto", "HTTP, https"));
    assert!(is_plain("forwarded", "for=192.0.2.1;proto=http, for=10.0.0.2;proto=https"));
    assert!(!is_plain("x-forwarded-proto", "https") && !is_plain("x-forwarded-proto", "gopher"));
}

#[test]
fn a_chain_of_ten_thousand_hops_is_followed_for_a_few() {
    let long = |hop: &str| vec![hop; 10_000].join(",");
    let forged = format!("{}, 192.0.2.1", long("::9"));
    assert_eq!(address_of(&[("x-forwarded-for", &forged)]), "192.0.2.1");
    let trusted = format!("203.0.113.66,{}", long("fd::"));
    assert_eq!(address_of(&[("x-forwarded-for", &trusted)]), "fd::");
    let described = format!("for=203.0.113.66,{}", long("for=_a"));
    assert_eq!(address_of(&[("forwarded", &described)]), PROXY);
}

#[test]
fn addresses_of_one_network_of_ipv6_are_one() {
    let network_of = |text: &str| network(text.parse().unwrap()).to_string();
    assert_eq!(network_of("2001:db8:0:1:aaaa::1"), "2001:db8:0:1::");
    assert_eq!(network_of("2001:db8:0:2:aaaa::1"), "2001:db8:0:2::");
    assert_eq!(network_of("192.0.2.1"), "192.0.2.1");
}

#[test]
fn what_a_client_says_of_its_way_is_removed() {
    let mut sent = headers(&[
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-real-ip", "192.0.2.1"),
        ("forwarded", "for=192.0.2.1"),
        ("cookie", "a=b"),
    ]);
    remove_proxy_headers(&mut sent);
    assert_eq!(sent.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["cookie"]);
}

proptest! {
    /// A proxy appends the address of its peer to what the client has sent.
    #[test]
    fn no_header_of_a_client_hides_the_address_that_a_trusted_proxy_appends(
        sent in "[ -~]{0,80}",
        more in prop::option::of("[\"',;=\\\\\\[\\]:for0-9. ]{0,40}"),
    ) {
        for appended in ["for=192.0.2.1;proto=https", "for=\"[2001:db8::1]\"", "by=\"_x\";for=\"192.0.2.1:80\""] {
            let sent = format!("{sent}{}", more.clone().unwrap_or_default());
            let node = if appended.contains("db8") { "2001:db8::1" } else { "192.0.2.1" };
            let list = format!("{sent}, {node}");
            prop_assert_eq!(address_of(&[("x-forwarded-for", &list)]), node);
            let described = address_of(&[("forwarded", &format!("{sent}, {appended}"))]);
            prop_assert!(described == node || described == PROXY, "{described}");
        }
    }
}
