//! The words of texts in many languages: the language of a text, its sentences, its words with their stems,
//! and the terms that a search compares.
//!
//! Pure functions without dictionaries: scripts that put no spaces between words are compared by their
//! characters and pairs of them. Knows no index and no encryption.

mod language;
mod script;
mod sentences;
mod stop_words;
mod terms;
mod tokens;

pub use language::Language;
pub use script::{is_unspaced, is_wide};
pub use sentences::{ends_a_statement, is_question, length, sentences};
pub use terms::{QuestionTerm, of_passage, of_question};
pub use tokens::{Word, normalized, words};
