//! Exports: events as lines of JSON that prove themselves, without end of page and with steady memory.
//!
//! Each line ends with the hash of what stands before it on the line. The last line holds a signed checkpoint and a
//! signature over all lines' hashes. A filtered export begins with a line that says so.

use aggregates::Position;
use aws_lc_rs::digest::{Context, SHA256, digest};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::{OpenPage, open_page};
use super::signing::{Checkpoint, PublicKey, SigningKey, hex};
use crate::audit::CheckpointSigner;
use store::{EventFilter, LedgerHash, LinkedEntry, Store, StoreError, finish};

/// Events read at once.
const PAGE: u32 = 1_000;
/// Pages that are being read, opened or written at the same time: what memory is needed for.
const AT_ONCE: usize = 3;
/// What stands between a line's content and its hash.
pub(crate) const LINE_HASH: &str = ",\"line_hash\":\"";
/// What a filtered export says of itself.
pub(crate) const PROVES: &str =
    "each line by itself: its event and the link before it; the chain between lines is not in here";

/// The first line of a filtered export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirstLine {
    pub(crate) export: Filtered,
}

/// What a filtered export leaves out.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filtered {
    pub(crate) after: u64,
    pub(crate) filter: Value,
    pub(crate) proves: String,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LastLine {
    pub(crate) checkpoint: SignedHead,
    pub(crate) lines: SignedLines,
}

/// A checkpoint with the key to check it by.
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

/// The lines of the export since its beginning.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedLines {
    pub(crate) after: u64,
    pub(crate) count: u64,
    /// SHA-256 over the lines' hashes, one after the other.
    pub(crate) digest: String,
    pub(crate) signature: String,
}

impl SignedHead {
    fn new(checkpoint: Checkpoint, key: &PublicKey) -> Self {
        let Checkpoint { position, root, signature, key_id, at } = checkpoint;
        Self { position, root, signature, key_id, public_key: key.to_base64(), at }
    }

    /// The checkpoint, without the key that it brings along.
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
    /// What is signed of them.
    pub(crate) fn text(&self, head: &SignedHead) -> String {
        let Self { after, count, digest, .. } = self;
        format!("colloquy export 1\n{}\n{after}\n{count}\n{digest}\n{}\n", head.position, head.key_id)
    }
}

/// Why an export broke off.
#[derive(Debug, thiserror::Error)]
pub enum ExportFailed {
    /// The ledger cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A line cannot be written.
    #[error("write a line: {0}")]
    Unwritable(#[from] serde_json::Error),
    /// Writing lines ended early.
    #[error("write lines: {0}")]
    Aborted(#[from] tokio::task::JoinError),
}

/// Lines and their hashes.
struct Written {
    text: Bytes,
    hashes: Vec<LedgerHash>,
}

/// Where an export is.
struct Place {
    store: Store,
    filter: EventFilter,
    after: Position,
    until: Position,
}

/// Exports what a filter lets through after a position, up to the ledger's head at this moment.
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
    // An empty page stands for the end.
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
        // After an error there must be no last line that says that all went well.
        let goes_on = !*failed;
        *failed |= line.is_err();
        std::future::ready(goes_on.then_some(line))
    }))
}

async fn next_page(mut place: Place) -> Result<Option<((Store, Vec<LinkedEntry>), Place)>, ExportFailed> {
    if place.after >= place.until {
        return Ok(None);
    }
    let part = place.store.audited(&place.filter, place.after, place.until, PAGE).await?;
    place.after = part.looked_up_to;
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
        // The closing brace comes after the hash.
        text.pop();
        let hash = digest(&SHA256, text.get(begins..).unwrap_or_default());
        text.extend_from_slice(LINE_HASH.as_bytes());
        text.extend_from_slice(hex(hash.as_ref()).as_bytes());
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
        SignedLines { after: after.0, count, digest: hex(&finish(digest)), signature: String::new() };
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
