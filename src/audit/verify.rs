//! Checks an export from itself alone: every byte of every line, the chain, each aggregate's order, the signatures.
//!
//! Lines are read in blocks and checked by as many threads as there are; what links one line to the next is checked in
//! their order, so that the first position that does not fit is named.

mod block;
mod following;

use std::fmt;
use std::io::{BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::signing::PublicKey;
use block::{Checked, check};
use following::Follower;

/// Bytes that one thread takes at once.
const BLOCK: usize = 1 << 20;
/// The longest line that is read: the largest event there can be is far shorter.
const LONGEST_LINE: u64 = 16 << 20;

/// What was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Events.
    pub events: u64,
    /// The first position, if there is one.
    pub first: Option<u64>,
    /// The last position, if there is one.
    pub last: Option<u64>,
    /// The chain from the first to the last holds; otherwise each line for itself.
    pub chained: bool,
    /// The key that signed.
    pub key_id: String,
    /// Whether that key was given, and not only found in the export itself.
    pub key_given: bool,
    /// Up to here what was opened is covered by each line's hash and by no signature: the export was resumed after it.
    pub resumed_after: Option<u64>,
}

/// What does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The first position that does not fit; that of the event before it where it does not say its own.
    pub position: u64,
    /// What about it.
    pub what: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "verify the export: position {} does not fit: {}", self.position, self.what)
    }
}

/// Why an export was not found whole.
#[derive(Debug, thiserror::Error)]
pub enum NotVerified {
    /// Something in it does not fit.
    #[error("{0}")]
    Misfit(Misfit),
    /// It cannot be read.
    #[error("read the export: {0}")]
    Unreadable(#[from] std::io::Error),
}

/// Checks an export. `after` is the position it begins after, 0 for a whole one; `key` the key that must have signed it,
/// else the one it names itself.
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
        // Whoever is still at work notices that nobody waits for it.
        drop(checked);
        let read = reader.join().unwrap_or_else(|_| Err(std::io::Error::other("the reader broke off")));
        match (outcome, read) {
            (Err(misfit), _) => Err(NotVerified::Misfit(misfit)),
            (Ok(_), Err(error)) => Err(error.into()),
            (Ok(verified), Ok(())) => Ok(verified),
        }
    })
}

/// Checks blocks as they come.
fn work(blocks: &Receiver<Vec<u8>>, results: &SyncSender<Vec<Checked>>) {
    for block in blocks {
        if results.send(check(&block)).is_err() {
            return;
        }
    }
}

/// Deals whole lines in turn, so that the results can be taken in turn.
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

/// Takes the results in the order of the lines.
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
