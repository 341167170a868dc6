//! Exports: events as NDJSON that can be verified offline, with bounded memory.
//!
//! Each line ends with the hash of the preceding content of the line. The last line holds a signed checkpoint
//! and a signature over the hashes of all lines. The first line of a filtered export states the filter.

use aggregates::Position;
use aws_lc_rs::digest::{Context, SHA256, digest};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::{OpenPage, open_page};
use super::signing::{Checkpoint, PublicKey, SigningKey};
use crate::audit::CheckpointSigner;
use store::{EventFilter, LedgerHash, LinkedEntry, Store, StoreError, finish};

/// Events of one page.
const PAGE: u32 = 1_000;
/// Pages in progress at the same time, which bounds the memory.
const AT_ONCE: usize = 3;
/// Separator of the content and the hash of a line.
pub(crate) const LINE_HASH: &str = ",\"line_hash\":\"";
/// Marker of a filtered export.
pub(crate) const PROVES: &str =
    "each line by itself: its event and the link before it; the chain between lines is not in here";

/// The first line of a filtered export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirstLine {
    pub(crate) export: Filtered,
}

/// The filter of an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filtered {
    pub(crate) after: u64,
    pub(crate) filter: Value,
    pub(crate) proves: String,
}

/// The last line of an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LastLine {
    pub(crate) checkpoint: SignedHead,
    pub(crate) lines: SignedLines,
}

/// A checkpoint with its public key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedHead {
    pub(crate) position: Position,
    pub(crate) root: String,
    pub(crate) signature: String,
    pub(crate) key_id: String,
    pub(crate) public_key: String,
    pub(crate) at: String,
}

/// The lines of the export so far.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedLines {
    pub(crate) after: u64,
    pub(crate) count: u64,
    /// SHA-256 over the concatenated hashes of the lines.
    pub(crate) digest: String,
    pub(crate) signature: String,
}

impl SignedHead {
    fn new(checkpoint: Checkpoint, key: &PublicKey) -> Self {
        let Checkpoint { position, root, signature, key_id, at } = checkpoint;
        Self { position, root, signature, key_id, public_key: key.to_base64(), at }
    }

    /// The checkpoint without its key.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            position: self.position,
            root: self.root.clone(),
            signature: self.signature.clone(),
            key_id: self.key_id.clone(),
            at: self.at.clone(),
        }
    }
}

impl SignedLines {
    /// The signed text.
    pub(crate) fn text(&self, head: &SignedHead) -> String {
        let Self { after, count, digest, .. } = self;
        format!("colloquy export 1\n{}\n{after}\n{count}\n{digest}\n{}\n", head.position, head.key_id)
    }
}

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportFailed {
    /// The ledger could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A line could not be serialized.
    #[error("a line could not be serialized")]
    Unwritable(#[from] serde_json::Error),
    /// The writing task failed.
    #[error("the writing task failed")]
    Aborted(#[from] tokio::task::JoinError),
}

/// Lines and their hashes.
struct Written {
    text: Bytes,
    hashes: Vec<LedgerHash>,
}

/// State of an export.
struct Place {
    store: Store,
    filter: EventFilter,
    after: Position,
    until: Position,
}

/// Exports the events after a position that pass a filter, up to the current head.
pub async fn export(
    store: &Store,
    signer: &CheckpointSigner,
    filter: EventFilter,
    after: Position,
) -> Result<impl Stream<Item = Result<Bytes, ExportFailed>> + Send + use<>, ExportFailed> {
    let key = signer.key().await?;
    let head = SignedHead::new(signer.checkpoint_with(&key).await?, &key.public_key());
    let first = if filter.is_empty() { None } else { Some(Ok(first_line(&filter, after)?)) };
    let place = Place { store: store.clone(), filter, after, until: head.position };
    let pages = stream::try_unfold(place, next_page);
    let written = pages.map(|page| async { write_page(page?).await }).buffered(AT_ONCE);
    let mut signing = Some((Context::new(&SHA256), 0));
    // An empty page marks the end.
    let ended = stream::once(async { Ok(Written { text: Bytes::new(), hashes: vec![] }) });
    let lines = written.map(|written| (written, false)).chain(ended.map(|end| (end, true))).map(
        move |(written, is_end)| {
            let written = written?;
            let Some((digest, count)) = &mut signing else { return Ok(written.text) };
            for hash in &written.hashes {
                digest.update(hash);
                *count += 1;
            }
            match (is_end, signing.take_if(|_| is_end)) {
                (true, Some((digest, count))) => last_line(&key, &head, after, count, digest),
                _ => Ok(written.text),
            }
        },
    );
    Ok(stream::iter(first).chain(lines).scan(false, |failed, line| {
        // After an error no last line may follow: it would mark the export as complete.
        let goes_on = !*failed;
        *failed |= line.is_err();
        std::future::ready(goes_on.then_some(line))
    }))
}

async fn next_page(mut place: Place) -> Result<Option<((Store, Vec<LinkedEntry>), Place)>, ExportFailed> {
    if place.after >= place.until {
        return Ok(None);
    }
    let part = place.store.filtered_ledger(&place.filter, place.after, place.until, PAGE).await?;
    place.after = part.searched_to;
    Ok(Some(((place.store.clone(), part.entries), place)))
}

async fn write_page((store, entries): (Store, Vec<LinkedEntry>)) -> Result<Written, ExportFailed> {
    let page = open_page(&store, entries).await?;
    tokio::task::spawn_blocking(move || write_lines(&page)).await?
}

fn write_lines(page: &OpenPage) -> Result<Written, ExportFailed> {
    let (mut text, mut hashes) = (Vec::new(), Vec::new());
    for event in page.events() {
        let begins = text.len();
        serde_json::to_writer(&mut text, &event)?;
        // The closing brace follows the hash.
        text.pop();
        let hash = digest(&SHA256, text.get(begins..).unwrap_or_default());
        text.extend_from_slice(LINE_HASH.as_bytes());
        text.extend_from_slice(hex::encode(hash.as_ref()).as_bytes());
        text.extend_from_slice(b"\"}\n");
        hashes.extend(LedgerHash::try_from(hash.as_ref()));
    }
    Ok(Written { text: text.into(), hashes })
}

fn first_line(filter: &EventFilter, after: Position) -> Result<Bytes, ExportFailed> {
    let export = Filtered { after: after.0, filter: filter.to_json(), proves: PROVES.to_owned() };
    line(&FirstLine { export })
}

fn last_line(
    key: &SigningKey,
    head: &SignedHead,
    after: Position,
    count: u64,
    digest: Context,
) -> Result<Bytes, ExportFailed> {
    let mut lines =
        SignedLines { after: after.0, count, digest: hex::encode(finish(digest)), signature: String::new() };
    lines.signature = key.sign(&lines.text(head));
    let SignedHead { position, root, signature, key_id, public_key, at } = head;
    let checkpoint = SignedHead {
        position: *position,
        root: root.clone(),
        signature: signature.clone(),
        key_id: key_id.clone(),
        public_key: public_key.clone(),
        at: at.clone(),
    };
    line(&LastLine { checkpoint, lines })
}

fn line<T: Serialize>(content: &T) -> Result<Bytes, ExportFailed> {
    let mut text = serde_json::to_vec(content)?;
    text.push(b'\n');
    Ok(text.into())
}
