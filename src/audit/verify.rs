//! Verifies an export offline: every byte of every line, the hash chain, the order of each
//! aggregate, the signatures.
//!
//! Blocks of lines are verified in parallel, on all processors. The links between lines are verified in
//! order, so that the error names the first position that does not fit.

mod block;
mod following;

use std::fmt;
use std::io::{BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::signing::PublicKey;
use block::{Checked, check};
use following::Follower;

/// Bytes of one block.
const BLOCK: usize = 1 << 20;
/// The longest accepted line in bytes, far above the largest possible event.
const LONGEST_LINE: u64 = 16 << 20;

/// The result of a successful verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Number of events.
    pub events: u64,
    /// First position; `None` without events.
    pub first: Option<u64>,
    /// Last position; `None` without events.
    pub last: Option<u64>,
    /// Whether the hash chain links all events; otherwise each line was verified on its own.
    pub chained: bool,
    /// Id of the signing key.
    pub key_id: String,
    /// Whether the caller passed the key; otherwise it comes from the export itself.
    pub key_given: bool,
    /// Position after which the export was resumed: decrypted texts before it are covered by line hashes, not
    /// by a signature.
    pub resumed_after: Option<u64>,
}

/// A position that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The first position that does not fit, or the last valid one before an unreadable line.
    pub position: u64,
    /// The contradiction.
    pub what: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "position {} does not fit: {}", self.position, self.what)
    }
}

/// Why an export is not valid.
#[derive(Debug, thiserror::Error)]
pub enum NotVerified {
    /// A position does not fit.
    #[error("{0}")]
    Misfit(Misfit),
    /// The export could not be read.
    #[error("the export could not be read")]
    Unreadable(#[from] std::io::Error),
}

/// Verifies an export that begins after position `after`, 0 for a whole one. Without `key`, the key in the
/// export is used.
pub fn verify(
    input: impl BufRead + Send,
    after: u64,
    key: Option<PublicKey>,
) -> Result<Verified, NotVerified> {
    let threads = thread::available_parallelism().map_or(2, usize::from).min(16);
    thread::scope(|scope| {
        let (mut to_check, mut checked) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let (blocks, to_be_checked) = sync_channel::<Vec<u8>>(1);
            let (results, from) = sync_channel(1);
            scope.spawn(move || work(&to_be_checked, &results));
            to_check.push(blocks);
            checked.push(from);
        }
        let reader = scope.spawn(move || hand_out(input, &to_check));
        let outcome = follow(&checked, after, key);
        // The other threads end when the receiver is dropped.
        drop(checked);
        let read = reader.join().unwrap_or_else(|_| Err(std::io::Error::other("the reader broke off")));
        match (outcome, read) {
            (Err(misfit), _) => Err(NotVerified::Misfit(misfit)),
            (Ok(_), Err(error)) => Err(error.into()),
            (Ok(verified), Ok(())) => Ok(verified),
        }
    })
}

/// Verifies blocks until the channel closes.
fn work(blocks: &Receiver<Vec<u8>>, results: &SyncSender<Vec<Checked>>) {
    for block in blocks {
        if results.send(check(&block)).is_err() {
            return;
        }
    }
}

/// Distributes blocks of whole lines round-robin, so that results are received in order.
fn hand_out(mut input: impl BufRead, to_check: &[SyncSender<Vec<u8>>]) -> std::io::Result<()> {
    for blocks in to_check.iter().cycle() {
        let mut block = Vec::with_capacity(BLOCK + BLOCK / 4);
        input.by_ref().take(BLOCK as u64).read_to_end(&mut block)?;
        if block.last().is_some_and(|byte| *byte != b'\n') {
            input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut block)?;
        }
        if block.is_empty() || blocks.send(block).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Receives the results in the order of the lines.
fn follow(
    checked: &[Receiver<Vec<Checked>>],
    after: u64,
    key: Option<PublicKey>,
) -> Result<Verified, Misfit> {
    let mut follower = Follower::new(after, key);
    for results in checked.iter().cycle() {
        let Ok(lines) = results.recv() else { break };
        for line in lines {
            follower.take(line)?;
        }
    }
    follower.finish()
}
