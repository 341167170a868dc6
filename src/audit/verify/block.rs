//! Verification of one line on its own: its bytes are unchanged, and its event matches its hashes.

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::audit::export::{FirstLine, LINE_HASH, LastLine};
use crate::audit::signing::parse_hash;
use store::{Canonical, LedgerHash};

/// A line that was verified on its own.
#[derive(Debug)]
pub(crate) enum Checked {
    /// An event that matches its hashes.
    Event(Event),
    /// The first line of a filtered export.
    First(Box<FirstLine>),
    /// The last line of an export.
    Last(Box<LastLine>),
    /// The last line of an export, changed.
    WrongEnd,
    /// Another line: the position that it claims, and the contradiction.
    Wrong(Option<u64>, &'static str),
}

/// The links of an event to others.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) position: u64,
    /// The aggregate: id, and a hash of the type.
    pub(crate) aggregate: (Uuid, u64),
    pub(crate) sequence: i64,
    pub(crate) previous: LedgerHash,
    pub(crate) hash: LedgerHash,
    pub(crate) line_hash: LedgerHash,
}

/// The fields that the hash chain covers.
#[derive(Deserialize)]
struct Line<'a> {
    position: u64,
    event_id: Uuid,
    #[serde(borrow)]
    aggregate: Cow<'a, str>,
    aggregate_id: Uuid,
    sequence: i64,
    #[serde(borrow, rename = "type")]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    event_version: Cow<'a, str>,
    owner: Uuid,
    recorded_at: DateTime<Utc>,
    #[serde(borrow)]
    payload: &'a RawValue,
    #[serde(borrow)]
    metadata: &'a RawValue,
    #[serde(borrow)]
    sealed: Option<Cow<'a, str>>,
    #[serde(borrow)]
    previous: Cow<'a, str>,
    #[serde(borrow)]
    hash: Cow<'a, str>,
}

/// Verifies every line of a block.
pub(crate) fn check(block: &[u8]) -> Vec<Checked> {
    block.strip_suffix(b"\n").unwrap_or(block).split(|byte| *byte == b'\n').map(check_line).collect()
}

fn check_line(line: &[u8]) -> Checked {
    let Ok(text) = std::str::from_utf8(line) else {
        return wrong(&String::from_utf8_lossy(line), "it is not UTF-8");
    };
    if text.starts_with("{\"position\":") {
        return match check_event(text) {
            Ok(event) => Checked::Event(event),
            Err(what) => Checked::Wrong(claimed_position(text), what),
        };
    }
    if let Some(first) = exactly::<FirstLine>(text) {
        return Checked::First(Box::new(first));
    }
    match exactly::<LastLine>(text) {
        Some(last) => Checked::Last(Box::new(last)),
        None => wrong(text, "it is no line of an export"),
    }
}

/// Classifies a line that is not a valid event. The markers of an export's end cannot occur inside an event,
/// where quotation marks are escaped.
fn wrong(text: &str, what: &'static str) -> Checked {
    let is_end = text.contains("\"checkpoint\":") || text.contains("\"lines\":{");
    if is_end && !text.contains(LINE_HASH) {
        return Checked::WrongEnd;
    }
    Checked::Wrong(None, what)
}

fn check_event(text: &str) -> Result<Event, &'static str> {
    const CHANGED: &str = "its line was changed";
    // After the content: field name, 64 digits, quotation mark and brace.
    let end = text.len().checked_sub(LINE_HASH.len() + 64 + 2).ok_or(CHANGED)?;
    let (content, tail) = text.split_at_checked(end).ok_or(CHANGED)?;
    let claimed = tail.strip_prefix(LINE_HASH).and_then(|tail| tail.strip_suffix("\"}")).ok_or(CHANGED)?;
    let line_hash = parse_hash(claimed).ok_or(CHANGED)?;
    if digest(&SHA256, content.as_bytes()).as_ref() != line_hash {
        return Err(CHANGED);
    }
    let line: Line<'_> = serde_json::from_str(text).map_err(|_| "its line cannot be read")?;
    let sealed = line.sealed.as_ref().map(|sealed| STANDARD.decode(sealed.as_bytes())).transpose();
    let sealed = sealed.map_err(|_| "its ciphertext cannot be read")?;
    let previous = parse_hash(&line.previous).ok_or("its previous hash cannot be read")?;
    let canonical = Canonical {
        aggregate_type: &line.aggregate,
        aggregate_id: line.aggregate_id,
        sequence: line.sequence,
        event_type: &line.event_type,
        event_version: &line.event_version,
        event_id: line.event_id,
        owner: line.owner,
        recorded_at: line.recorded_at,
        payload: line.payload.get(),
        metadata: line.metadata.get(),
        private: sealed.as_deref(),
    };
    let hash = canonical.link(&previous);
    if hex::encode(hash) != line.hash {
        return Err("its hash is not that of its content");
    }
    let aggregate = (line.aggregate_id, name_hash(&line.aggregate));
    Ok(Event { position: line.position, aggregate, sequence: line.sequence, previous, hash, line_hash })
}

/// FNV-1a, which distinguishes the few aggregate types in little memory.
fn name_hash(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Parses a line that must have exactly this form.
fn exactly<T: Serialize + DeserializeOwned>(text: &str) -> Option<T> {
    let read: T = serde_json::from_str(text).ok()?;
    (serde_json::to_string(&read).ok()? == text).then_some(read)
}

fn claimed_position(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("{\"position\":")?;
    digits.get(..digits.find(',')?)?.parse().ok()
}
