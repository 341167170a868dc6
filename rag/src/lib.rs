//! Retrieval-augmented answers: extract, split, embed, index, retrieve, prompt, generate, quote, cite.
//!
//! [`ingest`] indexes a document: [`split`] divides its text into passages, [`embed`] and [`sparse`] turn
//! each passage into vectors, and [`index`] stores them in Qdrant. [`extract`] provides the text of files.
//!
//! [`answer`] answers a question: [`retrieve`] finds passages, the caller decrypts the private ones, a
//! language model answers from them ([`prompt`], [`generate`]) or they are quoted (`quote`), and [`cite`]
//! links the numbers in the answer to its sources.
//!
//! [`vocabulary`] holds the shared data types. This crate must not know events, their transport, or
//! the store.

pub mod answer;
pub mod cite;
pub mod embed;
pub mod error_chain;
pub mod extract;
mod followup;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod generate;
pub mod index;
pub mod ingest;
mod markdown;
pub mod openai;
pub mod prompt;
mod quote;
pub mod refusal;
pub mod retrieve;
pub mod sparse;
pub mod split;
pub mod suggest;
pub mod title;
pub mod vocabulary;
