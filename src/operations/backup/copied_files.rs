//! Copies the encrypted files of documents into parts, and reads them back.
//!
//! A record is: the length of the path (2 bytes), the path, the size of the file, the offset of this piece
//! and its length (8 bytes each, big-endian), the piece. The pieces of a file follow each other.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::error::BackupError;
use super::manifest::{FileGroup, Manifest};
use super::parts::{PartStore, PartWriter};
use crate::knowledge::files::{FileVersion, Files, FilesError, RawFile};

/// Longest piece of a file in one record.
const PIECE_BYTES: usize = 2 << 20;
/// Files of at most one piece that are read at the same time.
const AHEAD: usize = 8;
/// Bytes of a group: none ends before the first number, unless it is the last one.
const SMALLEST_GROUP_BYTES: u64 = 1 << 20;
const LARGEST_GROUP_BYTES: u64 = 16 << 20;
/// One path of so many ends a group beyond the smallest size.
const PATHS_OF_A_GROUP: u64 = 16;

/// Copies files, pass by pass: a later pass copies what the ones before did not find.
pub(super) struct FileCopy<'a> {
    files: &'a Files,
    store: Arc<PartStore>,
    /// Groups of the previous backup by their source: their files need not be read.
    previous: HashMap<String, FileGroup>,
    /// Hashes of the paths that are copied, with those of their versions. 32 bytes of memory for each file.
    copied: HashMap<u128, u64>,
    groups: Vec<FileGroup>,
}

/// A piece of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FilePiece<'a> {
    pub(super) path: &'a str,
    pub(super) size: u64,
    pub(super) offset: u64,
    pub(super) bytes: &'a [u8],
}

impl<'a> FileCopy<'a> {
    pub(super) fn new(files: &'a Files, store: Arc<PartStore>, previous: Option<Manifest>) -> Self {
        let groups = previous.into_iter().flat_map(|manifest| manifest.files);
        let previous = groups.map(|group| (group.source.clone(), group)).collect();
        Self { files, store, previous, copied: HashMap::new(), groups: Vec::new() }
    }

    /// Copies all files that are not copied yet.
    pub(super) async fn pass(&mut self) -> Result<(), BackupError> {
        let (mut group, mut bytes) = (Vec::new(), 0);
        let mut listed = self.files.raw_files();
        while let Some(file) = listed.try_next().await? {
            if self.copied.get(&hash_of(&file.path)) == Some(&version_of(&file)) {
                continue;
            }
            bytes += file.size;
            let ends = bytes >= LARGEST_GROUP_BYTES
                || bytes >= SMALLEST_GROUP_BYTES && version_of(&file).is_multiple_of(PATHS_OF_A_GROUP);
            group.push(file);
            if ends {
                self.copy(&std::mem::take(&mut group)).await?;
                bytes = 0;
            }
        }
        self.copy(&group).await
    }

    async fn copy(&mut self, group: &[RawFile]) -> Result<(), BackupError> {
        if group.is_empty() {
            return Ok(());
        }
        let source = source_of(group);
        if let Some(known) = self.previous.get(&source)
            && known.parts.iter().all(|part| self.store.has(part))
        {
            self.store.reused.fetch_add(known.parts.len() as u64, Ordering::Relaxed);
            self.groups.push(known.clone());
            self.copied.extend(group.iter().map(|file| (hash_of(&file.path), version_of(file))));
            return Ok(());
        }
        let (mut writer, mut copied) = (PartWriter::new(&self.store), 0);
        let files = self.files;
        let reading = stream::iter(group)
            .map(|file| async move { Ok::<_, FilesError>((file, read(files, file).await?)) });
        let mut found = std::pin::pin!(reading.buffered(AHEAD));
        while let Some((file, content)) = found.try_next().await? {
            let is_copied = match content {
                Content::Gone => false,
                Content::Whole(bytes) => {
                    let piece =
                        FilePiece { path: &file.path, size: bytes.len() as u64, offset: 0, bytes: &bytes };
                    writer.add(&encoded(&piece)).await?;
                    true
                }
                Content::Large => copy_large(files, &mut writer, file).await?,
            };
            if is_copied {
                self.copied.insert(hash_of(&file.path), version_of(file));
                copied += 1;
            }
        }
        // A group that lacks a file of its source is not used again.
        let source = if copied == group.len() { source } else { String::new() };
        self.groups.push(FileGroup { source, files: copied as u64, parts: writer.finish().await? });
        Ok(())
    }

    /// Whether a version of a document is copied with its key.
    pub(super) fn has(&self, version: &FileVersion) -> bool {
        version.paths().iter().all(|path| self.copied.contains_key(&hash_of(path)))
    }

    pub(super) fn finish(self) -> Vec<FileGroup> {
        self.groups
    }
}

/// A file of at most one piece is read ahead.
enum Content {
    Whole(Vec<u8>),
    Large,
    /// The file was deleted meanwhile.
    Gone,
}

async fn read(files: &Files, file: &RawFile) -> Result<Content, FilesError> {
    if file.size > PIECE_BYTES as u64 {
        return Ok(Content::Large);
    }
    let mut content = match files.read_raw(&file.path).await {
        Err(FilesError::Missing) => return Ok(Content::Gone),
        content => content?,
    };
    let mut whole = Vec::new();
    while let Some(bytes) = content.next().await? {
        whole.extend_from_slice(&bytes);
    }
    if whole.len() as u64 == content.size { Ok(Content::Whole(whole)) } else { Err(FilesError::Damaged) }
}

/// Copies a file in pieces; `false` if it was deleted meanwhile.
async fn copy_large(files: &Files, writer: &mut PartWriter, file: &RawFile) -> Result<bool, BackupError> {
    let mut content = match files.read_raw(&file.path).await {
        Err(FilesError::Missing) => return Ok(false),
        content => content?,
    };
    let (size, mut offset, mut piece) = (content.size, 0, Vec::new());
    while let Some(bytes) = content.next().await? {
        for bytes in bytes.chunks(PIECE_BYTES) {
            if piece.len() + bytes.len() > PIECE_BYTES {
                writer.add(&encoded(&FilePiece { path: &file.path, size, offset, bytes: &piece })).await?;
                offset += piece.len() as u64;
                piece.clear();
            }
            piece.extend_from_slice(bytes);
        }
    }
    if offset + piece.len() as u64 != size {
        return Err(FilesError::Damaged.into());
    }
    writer.add(&encoded(&FilePiece { path: &file.path, size, offset, bytes: &piece })).await?;
    Ok(true)
}

/// A hash of a path that stands for the path.
pub(super) fn hash_of(path: &str) -> u128 {
    blake3::hash(path.as_bytes()).as_bytes().first_chunk().copied().map_or(0, u128::from_le_bytes)
}

fn version_of(file: &RawFile) -> u64 {
    let hash = blake3::hash(format!("{}\0{}\0{}", file.path, file.size, file.version).as_bytes());
    hash.as_bytes().first_chunk().copied().map_or(0, u64::from_le_bytes)
}

fn source_of(group: &[RawFile]) -> String {
    let mut hasher = blake3::Hasher::new();
    for RawFile { path, size, version } in group {
        hasher.update(format!("{path}\0{size}\0{version}\0").as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn encoded(FilePiece { path, size, offset, bytes }: &FilePiece<'_>) -> Vec<u8> {
    let mut record = Vec::with_capacity(26 + path.len() + bytes.len());
    record.extend_from_slice(&u16::try_from(path.len()).unwrap_or(u16::MAX).to_be_bytes());
    record.extend_from_slice(path.as_bytes());
    for number in [*size, *offset, bytes.len() as u64] {
        record.extend_from_slice(&number.to_be_bytes());
    }
    record.extend_from_slice(bytes);
    record
}

/// The first piece of a part and the rest of the part; `None` where the part is not a sequence of records.
pub(super) fn decoded(part: &[u8]) -> Option<(FilePiece<'_>, &[u8])> {
    let (length, rest) = part.split_first_chunk()?;
    let (path, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let (size, rest) = rest.split_first_chunk()?;
    let (offset, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (bytes, rest) = rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
    let (size, offset) = (u64::from_be_bytes(*size), u64::from_be_bytes(*offset));
    Some((FilePiece { path: std::str::from_utf8(path).ok()?, size, offset, bytes }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_out_as_they_went_in_and_a_part_that_is_cut_off_is_noticed() {
        let piece = |path, bytes| FilePiece { path, size: 9, offset: 4, bytes };
        let part = [encoded(&piece("a/b/c.key", b"12345")), encoded(&piece("a/b/d.key", b""))].concat();
        let (first, rest) = decoded(&part).unwrap();
        assert_eq!(first, piece("a/b/c.key", b"12345"));
        let (second, rest) = decoded(rest).unwrap();
        assert_eq!((second, rest.len()), (piece("a/b/d.key", b""), 0));
        assert!((0..part.len() / 2).all(|end| decoded(&part[..end]).is_none()));
    }
}
