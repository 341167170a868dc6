//! Trace context of a request, by the W3C recommendation "Trace Context".

use std::convert::Infallible;
use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use uuid::Uuid;

const TRACEPARENT: &str = "traceparent";
/// Length of the four fields of version 00 with their separators, in bytes.
const VERSION_00_BYTES: usize = 55;
/// The bit of the flags that says that the caller may have recorded the trace.
const SAMPLED: u8 = 1;

/// Place of a request in a trace: continues the trace of a valid `traceparent` header, or starts a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Trace {
    request_id: Uuid,
    id: u128,
    parent: Option<u64>,
    /// The span of the request itself.
    span: u64,
    sampled: bool,
}

/// The fields of a valid `traceparent` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TraceParent {
    trace_id: u128,
    span: u64,
    sampled: bool,
}

impl Trace {
    /// The trace that a request continues, or a new one. Several `traceparent` headers are as invalid as a
    /// wrong one.
    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let parent = match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok().and_then(TraceParent::parse),
            _ => None,
        };
        let request_id = Uuid::now_v7();
        let (_, own) = request_id.as_u64_pair();
        match parent {
            Some(TraceParent { trace_id, span, sampled }) => {
                Self { request_id, id: trace_id, parent: Some(span), span: own, sampled }
            }
            None => Self { request_id, id: request_id.as_u128(), parent: None, span: own, sampled: true },
        }
    }

    /// The header that the request came with; `None` in a new trace.
    pub(super) fn received(&self) -> Option<String> {
        self.parent.map(|span| self.header(span))
    }

    /// The same request, whose span is one that a collector gets.
    pub(super) fn recorded_as(self, traceparent: &str) -> Self {
        match TraceParent::parse(traceparent) {
            Some(TraceParent { trace_id, span, sampled }) => Self { id: trace_id, span, sampled, ..self },
            None => self,
        }
    }

    /// The same request, whose trace no process records.
    pub(super) fn unrecorded(self) -> Self {
        Self { sampled: false, ..self }
    }

    /// The trace of a request that has passed the middleware.
    pub(in crate::api) fn of(parts: &Parts) -> Self {
        parts.extensions.get().copied().unwrap_or_else(|| Self::from_headers(&parts.headers))
    }

    /// Id of the request alone. Correlates all events that the request leads to.
    pub(in crate::api) const fn request_id(&self) -> Uuid {
        self.request_id
    }

    /// Id of the trace, as clients and the log see it.
    pub(super) fn id(&self) -> impl fmt::Display + use<> {
        TraceId(self.id)
    }

    /// Id of the span that the caller works in; `None` in a new trace.
    pub(super) fn parent_id(&self) -> Option<impl fmt::Display + use<>> {
        self.parent.map(SpanId)
    }

    /// The header for requests and messages that this request leads to, with this request as their parent.
    pub(in crate::api) fn traceparent(&self) -> String {
        self.header(self.span)
    }

    fn header(&self, span: u64) -> String {
        let flags = if self.sampled { SAMPLED } else { 0 };
        format!("00-{}-{}-{flags:02x}", TraceId(self.id), SpanId(span))
    }
}

impl<S: Sync> FromRequestParts<S> for Trace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

impl TraceParent {
    /// Parses a header value; `None` if the recommendation tells receivers to start a new trace.
    ///
    /// A version after 00 may append fields; the four known ones are read by the rules of version 00.
    fn parse(value: &str) -> Option<Self> {
        let (known, appended) = value.split_at_checked(VERSION_00_BYTES)?;
        let mut fields = known.split('-');
        let version = parse_hex(fields.next()?, 2)?;
        let trace_id = parse_hex(fields.next()?, 32)?;
        let span = u64::try_from(parse_hex(fields.next()?, 16)?).ok()?;
        let flags = parse_hex(fields.next()?, 2)?;
        let is_whole = match version {
            0xff => false,
            0 => appended.is_empty(),
            _ => appended.is_empty() || appended.starts_with('-'),
        };
        let is_valid = is_whole && trace_id != 0 && span != 0;
        is_valid.then_some(Self { trace_id, span, sampled: flags & u128::from(SAMPLED) != 0 })
    }
}

/// Parses a field of exactly so many lower-case hexadecimal digits.
fn parse_hex(field: &str, digits: usize) -> Option<u128> {
    let is_hex = field.len() == digits && field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| u128::from_str_radix(field, 16).ok()).flatten()
}

struct TraceId(u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

struct SpanId(u64);

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";

    fn received(values: &[&str]) -> Trace {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, value.parse().unwrap());
        }
        Trace::from_headers(&headers)
    }

    fn continues(value: &str) -> bool {
        let trace = received(&[value]);
        let continues = trace.parent.is_some();
        assert_eq!(continues, trace.id().to_string() == TRACE, "{value}");
        continues
    }

    #[test]
    fn a_valid_header_is_continued_with_the_request_as_the_new_parent() {
        let trace = received(&[&format!("00-{TRACE}-{PARENT}-01")]);
        assert_eq!(trace.id().to_string(), TRACE);
        assert_eq!(trace.parent_id().unwrap().to_string(), PARENT);
        let passed_on = trace.traceparent();
        assert!(passed_on.starts_with(&format!("00-{TRACE}-")) && passed_on.ends_with("-01"), "{passed_on}");
        assert!(!passed_on.contains(PARENT), "{passed_on}");
        assert_eq!(TraceParent::parse(&passed_on).unwrap().trace_id, trace.id);
    }

    #[test]
    fn the_sampled_flag_is_passed_on_as_received_and_other_flags_are_not() {
        for (flags, passed_on) in [("00", "-00"), ("01", "-01"), ("02", "-00"), ("ff", "-01")] {
            let trace = received(&[&format!("00-{TRACE}-{PARENT}-{flags}")]);
            assert!(trace.traceparent().ends_with(passed_on), "{flags}");
        }
    }

    #[test]
    fn a_request_without_the_header_starts_a_trace_with_its_own_id() {
        let (one, other) = (received(&[]), received(&[]));
        assert_ne!(one.id().to_string(), other.id().to_string());
        assert_eq!(one.id().to_string(), one.request_id().simple().to_string());
        assert!(one.parent_id().is_none());
    }

    #[test]
    fn zero_ids_are_invalid() {
        assert!(!continues(&format!("00-{}-{PARENT}-01", "0".repeat(32))));
        assert!(!continues(&format!("00-{TRACE}-{}-01", "0".repeat(16))));
    }

    #[test]
    fn version_ff_is_invalid_and_later_versions_may_append_fields() {
        assert!(!continues(&format!("ff-{TRACE}-{PARENT}-01")));
        for version in ["01", "cc", "fe"] {
            assert!(continues(&format!("{version}-{TRACE}-{PARENT}-01")));
            assert!(continues(&format!("{version}-{TRACE}-{PARENT}-01-later")));
            assert!(!continues(&format!("{version}-{TRACE}-{PARENT}-01later")));
            assert!(!continues(&format!("{version}-{TRACE}-{PARENT}")));
        }
        assert!(!continues(&format!("00-{TRACE}-{PARENT}-01-later")));
    }

    #[test]
    fn upper_case_wrong_lengths_and_other_characters_are_invalid() {
        for value in [
            format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", PARENT.to_uppercase()),
            format!("0A-{TRACE}-{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}-0A"),
            format!("0-{TRACE}-{PARENT}-01"),
            format!("00-{}-{PARENT}-01", &TRACE[1..]),
            format!("00-{TRACE}0-{PARENT}-01"),
            format!("00-{TRACE}-{}-01", &PARENT[1..]),
            format!("00-{TRACE}-{PARENT}-1"),
            format!("00-{TRACE}-{PARENT}-001"),
            format!("00-{TRACE}-{PARENT}"),
            format!("00-{}g-{PARENT}-01", &TRACE[1..]),
            format!("00-+{}-{PARENT}-01", &TRACE[1..]),
            format!("00_{TRACE}_{PARENT}_01"),
            String::new(),
        ] {
            assert!(!continues(&value), "{value}");
        }
    }

    #[test]
    fn two_headers_are_invalid() {
        let value = format!("00-{TRACE}-{PARENT}-01");
        assert!(received(&[&value, &value]).parent_id().is_none());
    }
}
