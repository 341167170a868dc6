//! The header `Forwarded` (RFC 7239).

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::FORWARDED;

/// What proxies say about a request, in the order in which it passed them. A field that is not valid is one
/// hop without an address: a client that leaves a quotation open must not hide what a proxy appends.
#[derive(Debug)]
pub(super) struct Forwarded<'a>(Vec<Element<'a>>);

/// Statement of one proxy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Element<'a> {
    /// The peer of the proxy.
    node: Option<&'a str>,
    /// Scheme by which the peer reached the proxy.
    scheme: Option<&'a str>,
}

impl<'a> Forwarded<'a> {
    /// Reads all fields. The size of a request's header bounds their number.
    pub(super) fn from_headers(headers: &'a HeaderMap) -> Self {
        let fields = headers.get_all(FORWARDED).iter();
        let elements = fields.flat_map(|field| {
            let elements = field.to_str().ok().and_then(elements);
            elements.unwrap_or_else(|| vec![Element::default()])
        });
        Self(elements.collect())
    }

    /// The addresses of the peers, the nearest one first.
    pub(super) fn hops(&self) -> impl Iterator<Item = Option<IpAddr>> {
        self.0.iter().rev().map(|element| element.node.and_then(super::address))
    }

    /// Scheme by which the client reached the first proxy.
    pub(super) fn scheme(&self) -> Option<&'a str> {
        self.0.first()?.scheme
    }
}

/// The elements of a field; `None` if it is not valid.
fn elements(field: &str) -> Option<Vec<Element<'_>>> {
    let (mut elements, mut element, mut rest) = (Vec::new(), Element::default(), field.trim_start());
    loop {
        if !rest.is_empty() && !rest.starts_with([',', ';']) {
            let (name, after) = rest.split_once('=')?;
            let (value, after) = value(after)?;
            element.note(name, value)?;
            rest = after.trim_start();
        }
        let separator = rest.chars().next();
        if separator != Some(';') {
            elements.push(std::mem::take(&mut element));
        }
        rest = match separator {
            None => return Some(elements),
            Some(',' | ';') => rest.get(1..)?.trim_start(),
            Some(_) => return None,
        };
    }
}

impl<'a> Element<'a> {
    /// Notes a parameter. `None` if its name is not valid, or if it is there already.
    fn note(&mut self, name: &str, value: &'a str) -> Option<()> {
        let field = match name.to_ascii_lowercase().as_str() {
            "for" => &mut self.node,
            "proto" => &mut self.scheme,
            other if !other.is_empty() && other.chars().all(is_token) => return Some(()),
            _ => return None,
        };
        field.replace(value).is_none().then_some(())
    }
}

/// A value, and the text after it. Escaped characters stay as they are: no address has any. Colons and
/// brackets need quotation marks, which many proxies leave out.
fn value(text: &str) -> Option<(&str, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c| !is_token(c) && !matches!(c, ':' | '[' | ']')).unwrap_or(text.len());
        return (end > 0).then(|| text.split_at(end));
    };
    let mut is_escaped = false;
    let end = quoted.find(|c| {
        let is_end = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end
    })?;
    Some((quoted.get(..end)?, quoted.get(end + 1..)?))
}

/// Whether a character can be part of a token (RFC 9110, 5.6.2).
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(field: &str) -> Option<Vec<Option<&str>>> {
        elements(field).map(|elements| elements.into_iter().map(|element| element.node).collect())
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        assert_eq!(nodes("for=\"_gazonk\""), Some(vec![Some("_gazonk")]));
        assert_eq!(nodes("For=\"[2001:db8:cafe::17]:4711\""), Some(vec![Some("[2001:db8:cafe::17]:4711")]));
        assert_eq!(
            nodes("for=192.0.2.43, for=198.51.100.17"),
            Some(vec![Some("192.0.2.43"), Some("198.51.100.17")])
        );
        let element = elements("for=192.0.2.60;proto=http;by=203.0.113.43").unwrap()[0];
        assert_eq!((element.node, element.scheme), (Some("192.0.2.60"), Some("http")));
    }

    #[test]
    fn a_field_that_is_not_valid_has_no_elements() {
        for field in [
            "for",
            "for=",
            "for=\"192.0.2.1",
            "for=\"192.0.2.1\\\"",
            "for=192.0.2.1 proto=http",
            "for=\"\"192.0.2.1",
            "for=192.0.2.1;for=192.0.2.2",
            "f or=192.0.2.1",
            "=192.0.2.1",
        ] {
            assert_eq!(nodes(field), None, "{field}");
        }
        assert_eq!(nodes(""), Some(vec![None]));
        assert_eq!(nodes("for=192.0.2.1,"), Some(vec![Some("192.0.2.1"), None]));
        assert_eq!(nodes("ext=\"a, for=192.0.2.1\""), Some(vec![None]));
    }
}
