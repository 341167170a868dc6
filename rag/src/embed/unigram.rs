//! The Unigram tokenizer of multilingual-e5-small, read from the compact file that set-up makes.
//!
//! The general tokenizer of the crate `tokenizers` keeps the 250,000 pieces in a tree of 250 MiB that takes
//! half a second to build in every process. This one keeps them as they lie in the file, with a table of
//! hashes: 8 MiB.

use std::ops::Range;

/// What stands for a space in the pieces.
const SPACE: char = '\u{2581}';
/// Below the score of every piece, by as much as in `SentencePiece`.
const UNKNOWN_PENALTY: f32 = 10.0;
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// The pieces with their scores, and the map of the normalization.
pub(super) struct Unigram {
    text: Vec<u8>,
    /// The bytes of each piece in `text`: from its own entry to the next one.
    offsets: Vec<u32>,
    scores: Vec<f32>,
    /// Open addressing by hash: the id of a piece plus one, 0 for an empty slot.
    table: Vec<u32>,
    longest_bytes: usize,
    unknown_score: f32,
    pub(super) start: i64,
    pub(super) end: i64,
    unknown: u32,
    /// Characters with what replaces each of them, sorted.
    replaced: Vec<(u32, Range<usize>)>,
    replacements: Vec<char>,
}

/// The best way to the end of a prefix.
#[derive(Clone, Copy)]
struct Step {
    score: f32,
    piece: u32,
    from: usize,
}

impl Unigram {
    /// Reads the file. `None` if it is malformed.
    pub(super) fn parse(file: &[u8]) -> Option<Self> {
        let mut file = Reader(file);
        let count = usize::try_from(file.u32()?).ok()?;
        let [start, end, _padding, unknown] = [file.u32()?, file.u32()?, file.u32()?, file.u32()?];
        let text_bytes = usize::try_from(file.u64()?).ok()?;
        let offsets: Vec<u32> = file.numbers(count.checked_add(1)?)?;
        let scores: Vec<f32> = file.numbers(count)?.into_iter().map(f32::from_bits).collect();
        let text = file.take(text_bytes)?.to_vec();
        let is_ordered =
            offsets.is_sorted() && offsets.last().is_some_and(|last| *last as usize <= text_bytes);
        if !is_ordered || count == 0 || [start, end, unknown].iter().any(|id| *id as usize >= count) {
            return None;
        }
        let (replaced, replacements) = read_normalization(&mut file)?;
        let lowest = scores.iter().copied().fold(f32::MAX, f32::min);
        let mut unigram = Self {
            text,
            longest_bytes: offsets.windows(2).map(|pair| (pair[1] - pair[0]) as usize).max().unwrap_or(0),
            table: vec![0; (count * 2).next_power_of_two()],
            offsets,
            scores,
            unknown_score: lowest - UNKNOWN_PENALTY,
            start: i64::from(start),
            end: i64::from(end),
            unknown,
            replaced,
            replacements,
        };
        for id in 0..u32::try_from(count).ok()? {
            unigram.insert(id);
        }
        Some(unigram)
    }

    fn insert(&mut self, id: u32) {
        let hash = self.piece(id).iter().fold(FNV_OFFSET, |hash, byte| hashed(hash, *byte));
        let mut slot = self.slot(hash);
        while self.table[slot] != 0 {
            slot = (slot + 1) % self.table.len();
        }
        self.table[slot] = id + 1;
    }

    fn piece(&self, id: u32) -> &[u8] {
        let id = id as usize;
        &self.text[self.offsets[id] as usize..self.offsets[id + 1] as usize]
    }

    #[expect(clippy::cast_possible_truncation, reason = "the table is shorter than 2^32")]
    fn slot(&self, hash: u64) -> usize {
        hash as usize & (self.table.len() - 1)
    }

    fn find(&self, hash: u64, piece: &[u8]) -> Option<u32> {
        let mut slot = self.slot(hash);
        loop {
            let id = self.table[slot].checked_sub(1)?;
            if self.piece(id) == piece {
                return Some(id);
            }
            slot = (slot + 1) & (self.table.len() - 1);
        }
    }

    /// The ids of a text between those of its start and its end, at most `max_tokens` in all, each with the
    /// byte at which its token begins. Text beyond is left out.
    pub(super) fn encode(&self, text: &str, max_tokens: usize) -> (Vec<i64>, Vec<usize>) {
        let (mut ids, mut starts) = (vec![self.start], vec![0]);
        let (normalized, origins) = self.normalized(text);
        let mut pieces = self.pieces(&normalized).into_iter();
        for (piece, from) in pieces.by_ref().take(max_tokens.saturating_sub(2)) {
            ids.push(i64::from(piece));
            starts.push(origins[from]);
        }
        ids.push(self.end);
        starts.push(pieces.next().map_or(text.len(), |(_, from)| origins[from]));
        (ids, starts)
    }

    /// The text in the characters of the pieces, with a space in front, and for each of its bytes the byte of
    /// the text that it comes from.
    fn normalized(&self, text: &str) -> (String, Vec<usize>) {
        let mut normalized = String::with_capacity(text.len() + SPACE.len_utf8());
        normalized.push(SPACE);
        let mut origins = vec![0; normalized.len()];
        let mut last = ' ';
        let mut push = |c: char, origin: usize| {
            if !(c == ' ' && last == ' ') {
                normalized.push(if c == ' ' { SPACE } else { c });
                origins.resize(normalized.len(), origin);
            }
            last = c;
        };
        for (origin, c) in text.char_indices() {
            match self.replaced.binary_search_by_key(&u32::from(c), |(from, _)| *from) {
                Ok(found) => {
                    for c in &self.replacements[self.replaced[found].1.clone()] {
                        push(*c, origin);
                    }
                }
                Err(_) => push(c, origin),
            }
        }
        (normalized, origins)
    }

    /// The division of a text with the highest sum of scores: pieces with the bytes at which they begin.
    fn pieces(&self, text: &str) -> Vec<(u32, usize)> {
        let bytes = text.as_bytes();
        let nowhere = Step { score: f32::MIN, piece: self.unknown, from: 0 };
        let mut best = vec![nowhere; bytes.len() + 1];
        best[0].score = 0.0;
        for (start, first) in text.char_indices() {
            let reached = best[start].score;
            let mut improve = |end: usize, score: f32, piece: u32| {
                if score > best[end].score {
                    best[end] = Step { score, piece, from: start };
                }
            };
            improve(start + first.len_utf8(), reached + self.unknown_score, self.unknown);
            let mut hash = FNV_OFFSET;
            for end in start + 1..=bytes.len().min(start + self.longest_bytes) {
                hash = hashed(hash, bytes[end - 1]);
                if text.is_char_boundary(end)
                    && let Some(id) = self.find(hash, &bytes[start..end])
                    && id != self.unknown
                {
                    improve(end, reached + self.scores[id as usize], id);
                }
            }
        }
        let mut pieces = Vec::new();
        let mut end = bytes.len();
        while end > 0 {
            let Step { piece, from, .. } = best[end];
            pieces.push((piece, from));
            end = from;
        }
        pieces.reverse();
        pieces
    }
}

const fn hashed(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(FNV_PRIME)
}

type Normalization = (Vec<(u32, Range<usize>)>, Vec<char>);

/// Reads characters, each with the number and the characters of its replacement.
fn read_normalization(file: &mut Reader<'_>) -> Option<Normalization> {
    let (count, _bytes) = (file.u32()?, file.u32()?);
    let (mut replaced, mut replacements) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (from, length) = (file.u32()?, file.take(1)?[0]);
        let start = replacements.len();
        for _ in 0..length {
            replacements.push(char::from_u32(file.u32()?)?);
        }
        replaced.push((from, start..replacements.len()));
    }
    replaced.is_sorted_by_key(|(from, _)| *from).then_some((replaced, replacements))
}

/// The part of a file that is not read yet; numbers are little-endian.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn numbers(&mut self, count: usize) -> Option<Vec<u32>> {
        let bytes = self.take(count.checked_mul(4)?)?;
        bytes.chunks_exact(4).map(|four| Some(u32::from_le_bytes(four.try_into().ok()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(pieces: &[(&str, f32)], replaced: &[(char, &str)]) -> Vec<u8> {
        let mut file = Vec::new();
        let number = |file: &mut Vec<u8>, number: usize| {
            file.extend(u32::try_from(number).unwrap().to_le_bytes());
        };
        for header in [pieces.len(), 0, 1, 1, 2] {
            number(&mut file, header);
        }
        let text: String = pieces.iter().map(|(piece, _)| *piece).collect();
        file.extend((text.len() as u64).to_le_bytes());
        let mut offset = 0;
        number(&mut file, offset);
        for (piece, _) in pieces {
            offset += piece.len();
            number(&mut file, offset);
        }
        file.extend(pieces.iter().flat_map(|(_, score)| score.to_le_bytes()));
        file.extend(text.as_bytes());
        number(&mut file, replaced.len());
        number(&mut file, 0);
        for (from, to) in replaced {
            number(&mut file, *from as usize);
            file.push(u8::try_from(to.chars().count()).unwrap());
            for c in to.chars() {
                number(&mut file, c as usize);
            }
        }
        file
    }

    const PIECES: [(&str, f32); 7] = [
        ("<s>", 0.0),
        ("</s>", 0.0),
        ("<unk>", 0.0),
        ("▁", -4.0),
        ("▁wa", -2.0),
        ("ter", -2.0),
        ("▁water", -3.0),
    ];

    #[test]
    fn a_text_is_divided_into_the_pieces_with_the_highest_scores() {
        let unigram = Unigram::parse(&file(&PIECES, &[('Ａ', "ter")])).unwrap();
        let ids = |text, max_tokens| unigram.encode(text, max_tokens).0;
        assert_eq!(ids("water", 9), [0, 6, 1]);
        assert_eq!(ids("wa  water", 9), [0, 4, 6, 1]);
        assert_eq!(ids("ter", 9), [0, 3, 5, 1]);
        assert_eq!(ids("waＡ", 9), [0, 6, 1], "a replaced character");
        assert_eq!(ids("wa水", 9), [0, 4, 2, 1], "an unknown character");
        assert_eq!(ids("wa wa wa wa", 4), [0, 4, 4, 1], "the longest input");
        assert_eq!(ids("", 9), [0, 3, 1]);
    }

    #[test]
    fn each_token_begins_at_a_byte_of_the_text() {
        let unigram = Unigram::parse(&file(&PIECES, &[('Ａ', "ter")])).unwrap();
        let starts = |text, max_tokens| unigram.encode(text, max_tokens).1;
        assert_eq!(starts("wa  water", 9), [0, 0, 2, 9]);
        assert_eq!(starts("wa水wa", 9)[..3], [0, 0, 2]);
        assert_eq!(starts("wa wa wa wa", 4), [0, 0, 2, 5], "the end of what was read");
    }

    #[test]
    fn a_cut_file_is_refused() {
        let whole = file(&PIECES, &[('Ａ', "ter")]);
        assert!((0..whole.len()).all(|length| Unigram::parse(&whole[..length]).is_none()));
    }
}
