//! Verification of lines in order: no gaps, an unbroken hash chain, the order of each aggregate,
//! a signed end.

use std::collections::HashMap;

use aws_lc_rs::digest::{Context, SHA256};
use uuid::Uuid;

use super::block::{Checked, Event};
use super::{Misfit, Verified};
use crate::audit::export::{FirstLine, LastLine};
use crate::audit::signing::PublicKey;
use store::{GENESIS, LedgerHash, finish};

/// Follows the lines of an export.
pub(crate) struct Follower {
    key: Option<PublicKey>,
    /// Position after which the export begins.
    begins_after: u64,
    chained: bool,
    events: u64,
    first: Option<u64>,
    last: u64,
    head: Option<LedgerHash>,
    sequences: HashMap<(Uuid, u64), i64>,
    lines: Context,
    signed: Option<LastLine>,
}

impl Follower {
    pub(crate) fn new(after: u64, key: Option<PublicKey>) -> Self {
        Self {
            key,
            begins_after: after,
            chained: true,
            events: 0,
            first: None,
            last: after,
            head: (after == 0).then_some(GENESIS),
            sequences: HashMap::new(),
            lines: Context::new(&SHA256),
            signed: None,
        }
    }

    /// Verifies the next line.
    pub(crate) fn take(&mut self, line: Checked) -> Result<(), Misfit> {
        if self.signed.is_some() {
            return Err(misfit(self.last, "something follows the line that ends the export"));
        }
        match line {
            Checked::Event(event) => self.event(&event),
            Checked::First(first) => self.begin(&first),
            Checked::Last(last) => {
                self.signed = Some(*last);
                Ok(())
            }
            Checked::WrongEnd => Err(misfit(self.last, "the line that ends the export after it was changed")),
            Checked::Wrong(claimed, what) => {
                // An impossible position was itself changed.
                let expected = self.last + 1;
                let position = claimed.filter(|position| !self.chained && *position > self.last);
                Err(misfit(position.unwrap_or(expected), what))
            }
        }
    }

    fn begin(&mut self, first: &FirstLine) -> Result<(), Misfit> {
        if self.events > 0 || !self.chained {
            return Err(misfit(self.last, "a filtered export begins in the midst of another one"));
        }
        (self.chained, self.head) = (false, None);
        (self.begins_after, self.last) = (first.export.after, first.export.after);
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Result<(), Misfit> {
        let expected = self.last + 1;
        if self.chained && event.position != expected {
            let what = format!("position {} stands in its place", event.position);
            return Err(misfit(expected, &what));
        }
        if event.position < expected {
            return Err(misfit(event.position, "it does not follow the one before it"));
        }
        // At the start, and after omitted events, no previous hash is known.
        let known = self.head.filter(|_| event.position == expected);
        if known.is_some_and(|head| head != event.previous) {
            return Err(misfit(event.position, "it is not linked to the event before it"));
        }
        self.check_order(event)?;
        self.lines.update(&event.line_hash);
        self.first.get_or_insert(event.position);
        (self.last, self.head) = (event.position, Some(event.hash));
        self.events += 1;
        Ok(())
    }

    fn check_order(&mut self, event: &Event) -> Result<(), Misfit> {
        let before = self.sequences.insert(event.aggregate, event.sequence);
        let fits = match before {
            Some(before) if self.chained => event.sequence == before + 1,
            Some(before) => event.sequence > before,
            None => event.sequence == 1 || (event.sequence > 1 && !(self.chained && self.begins_after == 0)),
        };
        if fits { Ok(()) } else { Err(misfit(event.position, "it is out of its aggregate's order")) }
    }

    /// After the last line: verifies the end.
    pub(crate) fn finish(self) -> Result<Verified, Misfit> {
        let at = self.last;
        let ends = |what: &str| misfit(at, what);
        let Some(last) = &self.signed else {
            return Err(ends("the export ends after it without its last line: it was cut off"));
        };
        let head = &last.checkpoint;
        let named = PublicKey::parse(&head.public_key).map_err(|_| ends("the public key cannot be read"))?;
        let key = self.key.unwrap_or(named);
        if !head.checkpoint().is_signed_by(&key) {
            return Err(ends("the checkpoint is not signed by the key"));
        }
        if named != key || !key.signed(&last.lines.text(head), &last.lines.signature) {
            return Err(ends("the lines are not signed by the key"));
        }
        if self.chained && head.position.0 > at {
            return Err(misfit(at + 1, "it is missing, though the checkpoint covers it"));
        }
        let same_root = self.head.is_none_or(|own| hex::encode(own) == head.root);
        if self.chained && (head.position.0 != at || !same_root) {
            return Err(ends("the checkpoint is of another head"));
        }
        let resumed_after = self.check_lines(last)?;
        Ok(Verified {
            events: self.events,
            first: self.first,
            last: self.first.map(|_| at),
            chained: self.chained,
            key_id: head.key_id.clone(),
            key_given: self.key.is_some(),
            resumed_after,
        })
    }

    /// Verifies the signature over the lines of the last request. Lines before a resumption are covered by
    /// the chain and by their own hashes.
    fn check_lines(&self, last: &LastLine) -> Result<Option<u64>, Misfit> {
        let lines = &last.lines;
        if lines.after > self.begins_after && self.chained && lines.after <= self.last {
            return Ok(Some(lines.after));
        }
        let fits = lines.after == self.begins_after
            && lines.count == self.events
            && hex::encode(finish(self.lines.clone())) == lines.digest;
        if fits { Ok(None) } else { Err(misfit(self.last, "the lines are not those that were signed")) }
    }
}

fn misfit(position: u64, what: &str) -> Misfit {
    Misfit { position, what: what.to_owned() }
}
