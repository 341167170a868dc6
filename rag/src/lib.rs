//! Retrieval and answering: split, embed, index, retrieve, prompt, generate, quote, cite.
//!
//! The way of a document: [`split`] cuts it into passages, [`embed`] and [`sparse`] turn each into vectors, [`index`]
//! keeps them in Qdrant; [`ingest`] runs these three. The way of a question: [`retrieve`] finds passages, the caller
//! opens the sealed ones, [`answer`] lets a language model answer from them ([`prompt`], [`generate`]) or quotes them
//! ([`quote`]), and [`cite`] ties each number in the answer to its passage.
//!
//! This crate must know nothing of events, of their transport, or of where conversations are kept.

pub mod answer;
pub mod cite;
pub mod embed;
pub mod extract;
pub mod followup;
pub mod generate;
pub mod index;
pub mod ingest;
pub mod prompt;
pub mod quote;
mod readable;
pub mod retrieve;
pub mod sparse;
pub mod split;
pub mod vocabulary;
