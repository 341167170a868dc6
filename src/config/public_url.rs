//! The address of the page in a browser. Its path, if it has one, is the base path of page and API.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

use super::values::{InvalidSetting, base_url};

/// First segments of the paths of page and API. A base path does not begin with one of them, so that a path
/// with the base path differs from one without it.
const OWN_SEGMENTS: [&str; 23] = [
    "api",
    "appearance.js",
    "assets",
    "audit",
    "c",
    "confirm-email",
    "docs",
    "documents",
    "erasures",
    "favicon.svg",
    "forgot-password",
    "index.html",
    "livez",
    "metrics",
    "openapi.json",
    "readyz",
    "reset-password",
    "robots.txt",
    "settings",
    "sign-in",
    "sign-up",
    "usage",
    "v1",
];

/// An address such as `https://chat.example.org` or `https://example.org/chat`, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// As a browser writes it: in lower case and without the port that belongs to the scheme.
    origin: String,
    /// Empty, or a path that begins with a slash and does not end with one.
    base_path: String,
}

impl PublicUrl {
    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The path in front of all paths of page and API: empty, or such as `/chat`.
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    /// Whether browsers reach the page by HTTPS.
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }
}

impl fmt::Display for PublicUrl {
    /// Writes the address without a slash at its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.base_path)
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, InvalidSetting> {
        let url = Url::parse(&base_url(text)?).map_err(|_| InvalidSetting::NotAUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidSetting::NotAUrl);
        }
        let base_path = url.path().trim_end_matches('/').to_owned();
        let mut segments = base_path.split('/').skip(1);
        if !segments.clone().all(is_plain) {
            return Err(InvalidSetting::NotABasePath);
        }
        if segments.next().is_some_and(|first| OWN_SEGMENTS.contains(&first)) {
            return Err(InvalidSetting::OwnPath(base_path));
        }
        Ok(Self { origin: url.origin().ascii_serialization(), base_path })
    }
}

/// Whether a segment has one spelling in URLs, in HTML and in cookies.
fn is_plain(segment: &str) -> bool {
    !segment.is_empty()
        && segment
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> PublicUrl {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_an_origin_and_perhaps_a_base_path() {
        let plain = parsed(" https://Chat.example.org:443/ ");
        assert_eq!((plain.origin(), plain.base_path()), ("https://chat.example.org", ""));
        assert!(plain.is_https());
        let below = parsed("http://localhost:8080/apps/Colloquy-2/");
        assert_eq!((below.origin(), below.base_path()), ("http://localhost:8080", "/apps/Colloquy-2"));
        assert!(!below.is_https());
        assert_eq!(below.to_string(), "http://localhost:8080/apps/Colloquy-2");
    }

    #[test]
    fn an_address_that_cannot_be_one_of_the_page_is_refused() {
        for text in [
            "chat.example.org",
            "ftp://a.example",
            "https://ann:x@a.example",
            "https://a.example/chat?q",
            "https://a.example/a//b",
            "https://a.example/%63hat",
            "https://a.example/a b",
            "https://a.example/\"><script>",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn no_path_of_page_and_api_can_be_a_base_path() {
        let routes = include_str!("../../web/src/app/router.tsx").lines();
        let pages = routes.filter_map(|line| line.trim().split_once("path: \"")?.1.split('"').next());
        let document: serde_json::Value =
            serde_json::from_str(include_str!("../../web/openapi.json")).unwrap();
        let paths: Vec<&str> =
            pages.chain(document["paths"].as_object().unwrap().keys().map(String::as_str)).collect();
        assert!(paths.contains(&"/sign-in") && paths.contains(&"/livez"), "{paths:?}");
        for path in paths.into_iter().filter(|path| *path != "/") {
            let first = path.split('/').nth(1).unwrap();
            let refused = format!("https://a.example/{first}/x").parse::<PublicUrl>().unwrap_err();
            assert!(matches!(refused, InvalidSetting::OwnPath(_)), "{path}");
        }
        for entry in std::fs::read_dir("web/public").unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(OWN_SEGMENTS.contains(&name.as_str()), "{name}");
        }
    }
}
