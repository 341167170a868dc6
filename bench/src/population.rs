//! Seeded users and texts, derived from numbers alone, so that a later run knows them without reading them.

use aggregates::{AnswerId, ConversationId, QuestionId, UserId};
use uuid::{Builder, Uuid};

/// 1 March 2026, in milliseconds since 1970: when the first conversation began.
pub(crate) const FIRST_DAY: u64 = 1_772_323_200_000;
/// Milliseconds between two conversations' beginnings.
const PACE: u64 = 60_000;
const VOCABULARY: u64 = 6_000;
const QUESTION_WORDS: usize = 12;
const ANSWER_WORDS: usize = 70;

/// A small, fast, repeatable source of numbers (`SplitMix64`).
#[derive(Debug, Clone)]
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below a bound, which is above 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap_or_default()
    }
}

fn bytes<const N: usize>(kind: &str, numbers: [usize; 2]) -> [u8; N] {
    let mut hasher = blake3::Hasher::new_derive_key("colloquy bench population");
    hasher.update(kind.as_bytes());
    for number in numbers {
        hasher.update(&(number as u64).to_be_bytes());
    }
    let mut bytes = [0; N];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

/// User number `user`.
pub(crate) fn user(user: usize) -> UserId {
    UserId::new(Builder::from_random_bytes(bytes("user", [user, 0])).into_uuid())
}

/// Conversation number `conversation`.
pub(crate) fn conversation(conversation: usize) -> ConversationId {
    ConversationId::new(timed(conversation, "conversation", 0))
}

/// The question of a conversation's turn.
pub(crate) fn question(conversation: usize, turn: usize) -> QuestionId {
    QuestionId::new(timed(conversation, "question", turn))
}

/// The answer of a conversation's turn.
pub(crate) fn answer(conversation: usize, turn: usize) -> AnswerId {
    AnswerId::new(timed(conversation, "answer", turn))
}

fn timed(conversation: usize, kind: &str, turn: usize) -> Uuid {
    let milliseconds = FIRST_DAY + conversation as u64 * PACE + turn as u64 * 1_000;
    Builder::from_unix_timestamp_millis(milliseconds, &bytes(kind, [conversation, turn])).into_uuid()
}

/// Question of a turn.
pub(crate) fn question_text(conversation: usize, turn: usize) -> String {
    text(seed(conversation, turn, 1), QUESTION_WORDS) + "?"
}

/// Answer of a turn.
pub(crate) fn answer_text(conversation: usize, turn: usize) -> String {
    text(seed(conversation, turn, 2), ANSWER_WORDS) + " [1]."
}

/// Two words of a conversation's first question.
pub(crate) fn searched_words(conversation: usize) -> [String; 2] {
    let question = question_text(conversation, 0);
    let mut words = question.trim_end_matches('?').split(' ').skip(2).map(str::to_owned);
    [words.next().unwrap_or_default(), words.next().unwrap_or_default()]
}

const fn seed(conversation: usize, turn: usize, kind: u64) -> u64 {
    (conversation as u64) << 16 | (turn as u64) << 4 | kind
}

fn text(seed: u64, words: usize) -> String {
    let mut numbers = Numbers(seed);
    let mut text = String::with_capacity(words * 7);
    for at in 0..words {
        if at > 0 {
            text.push(' ');
        }
        push_word(&mut text, numbers.next());
    }
    text
}

/// A pronounceable word. Some are used far more often than others, as in any language.
fn push_word(text: &mut String, number: u64) {
    const CONSONANTS: [&str; 16] =
        ["b", "c", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "st", "tr"];
    const VOWELS: [&str; 6] = ["a", "e", "i", "o", "u", "ai"];
    let (one, other) = ((number >> 32) % VOCABULARY, (number & 0xffff_ffff) % VOCABULARY);
    // Ranks near 0 are the most frequent.
    let mut shape = Numbers(one * other / VOCABULARY);
    for _ in 0..=1 + shape.below(3) {
        text.push_str(CONSONANTS.get(shape.below(16)).copied().unwrap_or_default());
        text.push_str(VOWELS.get(shape.below(6)).copied().unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_texts_are_the_same_each_time_and_differ_from_each_other() {
        assert_eq!(user(7), user(7));
        assert_ne!(user(7), user(8));
        assert_ne!(question(3, 1), question(3, 2));
        assert_ne!(question(3, 1).uuid(), answer(3, 1).uuid());
        assert_eq!(question_text(5, 2), question_text(5, 2));
        assert_ne!(question_text(5, 2), question_text(5, 3));
    }

    #[test]
    fn searched_words_are_in_the_question() {
        let [one, other] = searched_words(11);
        assert!(question_text(11, 0).contains(&format!("{one} {other}")));
    }
}
