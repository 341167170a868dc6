//! Parsers of settings. Each refuses a value that cannot work, when the process starts.

use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use axum::http::HeaderValue;
use ipnet::IpNet;
use reqwest::Url;

/// Longest prefix of names at other services, in bytes.
const MAX_PREFIX_BYTES: usize = 64;

/// Why a value cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSetting {
    /// A number out of its range, or no number.
    #[error("not a whole number {0}")]
    NotInRange(String),
    /// No URL, or one that cannot be the base of others.
    #[error("not an http or https URL")]
    NotAUrl,
    /// A public URL whose path needs encoding.
    #[error("not a URL whose path has letters, digits and -_.~ alone")]
    NotABasePath,
    /// A public URL below a path that page or API have themselves.
    #[error("{0} begins like a path of the page or of the API; choose another path")]
    OwnPath(String),
    /// No network in CIDR notation.
    #[error("neither a network such as 10.0.0.0/8 or fd00::/8 nor an address")]
    NotANetwork,
    /// No origin.
    #[error("not an origin such as https://chat.example.org, without a path; wildcards are not supported")]
    NotAnOrigin,
    /// No folder.
    #[error("not a folder")]
    NotAFolder,
    /// No prefix of names.
    #[error("not 1 to {MAX_PREFIX_BYTES} letters, digits, hyphens and underscores")]
    NotAPrefix,
    /// No address of a file store.
    #[error("neither file:///a/folder nor s3://bucket/prefix")]
    NotAFileStore,
    /// No price.
    #[error("not a number from 0 on")]
    NotAPrice,
    /// Nothing but white space.
    #[error("empty")]
    Empty,
}

/// Parses a value without the white space around it.
pub(super) fn trimmed<T: FromStr>(text: &str) -> Result<T, T::Err> {
    text.trim().parse()
}

/// Parses a price.
pub(super) fn price(text: &str) -> Result<f64, InvalidSetting> {
    let price: f64 = trimmed(text).map_err(|_| InvalidSetting::NotAPrice)?;
    if price.is_finite() && price >= 0.0 { Ok(price) } else { Err(InvalidSetting::NotAPrice) }
}

/// Parses a number within a range.
pub(super) fn within<T>(range: RangeInclusive<T>) -> impl Parser<T>
where
    T: Number,
{
    in_range(range, String::new())
}

/// Parses a number of units, such as seconds, within a range. The value has no unit of its own.
pub(super) fn measured<T>(range: RangeInclusive<T>, unit: &str) -> impl Parser<T>
where
    T: Number,
{
    in_range(range, format!("of {unit} "))
}

fn in_range<T: Number>(range: RangeInclusive<T>, unit: String) -> impl Parser<T> {
    move |text: &str| {
        let number = text.trim().parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            InvalidSetting::NotInRange(format!("{unit}from {} to {}", range.start(), range.end()))
        })
    }
}

/// A number that a setting can have.
pub(super) trait Number: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static {}

impl<T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static> Number for T {}

/// A parser of a setting.
pub(super) trait Parser<T>:
    Fn(&str) -> Result<T, InvalidSetting> + Clone + Send + Sync + 'static
{
}

impl<T, F: Fn(&str) -> Result<T, InvalidSetting> + Clone + Send + Sync + 'static> Parser<T> for F {}

/// The base of URLs that are made by appending a path.
pub(super) fn base_url(text: &str) -> Result<String, InvalidSetting> {
    let text = text.trim().trim_end_matches('/');
    let url = Url::parse(text).map_err(|_| InvalidSetting::NotAUrl)?;
    let is_base =
        matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
    if is_base && url.has_host() { Ok(text.to_owned()) } else { Err(InvalidSetting::NotAUrl) }
}

/// The origin of a page: scheme, host and port.
pub(super) fn origin(text: &str) -> Result<HeaderValue, InvalidSetting> {
    let text = base_url(text).map_err(|_| InvalidSetting::NotAnOrigin)?;
    let url = Url::parse(&text).map_err(|_| InvalidSetting::NotAnOrigin)?;
    let is_origin =
        url.path() == "/" && !text.contains('*') && url.username().is_empty() && url.password().is_none();
    // As a browser writes it: in lower case and without the port that belongs to the scheme.
    let origin = HeaderValue::from_str(&url.origin().ascii_serialization());
    origin.ok().filter(|_| is_origin).ok_or(InvalidSetting::NotAnOrigin)
}

/// A network, or an address alone, in the family in which its members are compared: an IPv4 address that an
/// IPv6 socket shows as `::ffff:10.0.0.1` is the address 10.0.0.1.
pub(super) fn network(text: &str) -> Result<IpNet, InvalidSetting> {
    let text = text.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_canonical().into());
    }
    let network: IpNet = text.parse().map_err(|_| InvalidSetting::NotANetwork)?;
    let (address, bits) = (network.addr(), network.prefix_len());
    let mapped = address.to_canonical();
    let bits =
        if mapped == address { bits } else { bits.checked_sub(96).ok_or(InvalidSetting::NotANetwork)? };
    Ok(IpNet::new(mapped, bits).map_err(|_| InvalidSetting::NotANetwork)?.trunc())
}

/// An existing folder.
pub(super) fn folder(text: &str) -> Result<PathBuf, InvalidSetting> {
    let folder = PathBuf::from(text);
    if folder.is_dir() { Ok(folder) } else { Err(InvalidSetting::NotAFolder) }
}

/// The first part of names at another service.
pub(super) fn prefix(text: &str) -> Result<String, InvalidSetting> {
    let text = text.trim();
    let is_prefix = (1..=MAX_PREFIX_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_prefix { Ok(text.to_owned()) } else { Err(InvalidSetting::NotAPrefix) }
}

/// The address of a file store.
pub(super) fn file_store(text: &str) -> Result<String, InvalidSetting> {
    let text = text.trim();
    let place = text.strip_prefix("file://").or_else(|| text.strip_prefix("s3://"));
    match place {
        Some(place) if !place.trim_matches('/').is_empty() => Ok(text.to_owned()),
        _ => Err(InvalidSetting::NotAFileStore),
    }
}

/// A text with other characters than white space.
pub(super) fn filled(text: &str) -> Result<String, InvalidSetting> {
    match text.trim() {
        "" => Err(InvalidSetting::Empty),
        text => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_outside_of_its_range_is_refused_with_the_range() {
        let days = within(0..=36_500_u32);
        assert_eq!(days(" 30 ").unwrap(), 30);
        for text in ["-1", "36501", "4294967296", "1e3", "x", ""] {
            assert_eq!(days(text).unwrap_err().to_string(), "not a whole number from 0 to 36500", "{text}");
        }
    }

    #[test]
    fn a_number_with_a_unit_is_refused_with_the_unit_of_the_setting() {
        let memory = measured(16..=1_024_u32, "MiB");
        assert_eq!(memory("512").unwrap(), 512);
        for text in ["512MB", "0.5", "1025", "1 GiB"] {
            assert_eq!(
                memory(text).unwrap_err().to_string(),
                "not a whole number of MiB from 16 to 1024",
                "{text}"
            );
        }
    }

    #[test]
    fn a_base_url_is_an_http_url_with_a_host() {
        assert_eq!(base_url(" https://models.example.org/v1/ ").unwrap(), "https://models.example.org/v1");
        for text in
            ["", "localhost:8080", "ftp://a.example", "http://", "https://a.example/?q", "/v1", "http://a b"]
        {
            assert!(base_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_origin_has_no_path_and_no_wildcard() {
        assert_eq!(origin("https://Chat.example.org:443/").unwrap(), "https://chat.example.org");
        for text in
            ["*", "null", "https://*", "https://a.example/app", "https://ann:x@a.example", "chat.example.org"]
        {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_is_written_in_cidr_notation_or_as_an_address() {
        for (text, network_of) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            (" 192.168.1.7/24 ", "192.168.1.0/24"),
            ("127.0.0.1", "127.0.0.1/32"),
            ("fd00::/8", "fd00::/8"),
            ("::1", "::1/128"),
            ("::ffff:10.0.0.1", "10.0.0.1/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), network_of, "{text}");
        }
        for text in
            ["", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "10.0.0.0/-1", "/8", "proxy", "::ffff:10.0.0.0/8"]
        {
            assert!(network(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_prefix_has_no_characters_that_separate_names() {
        assert_eq!(prefix("colloquy-2").unwrap(), "colloquy-2");
        for text in ["", "a.b", "a b", "a>", "a*", "a/b", "ä", &"a".repeat(65)] {
            assert!(prefix(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_store_is_a_folder_or_a_bucket() {
        for text in ["file:///var/files", "file://files", "s3://bucket/prefix"] {
            assert!(file_store(text).is_ok(), "{text}");
        }
        for text in ["", "/var/files", "file://", "s3://", "s3:///", "http://a.example"] {
            assert!(file_store(text).is_err(), "{text}");
        }
    }
}
