//! The files of a local model and how it wants its input.
//!
//! `embedding.json` describes the model. A folder without it holds all-MiniLM-L6-v2, as earlier releases
//! installed it.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokenizers::{Tokenizer, TruncationParams};

use super::EmbedError;
use super::unigram::Unigram;

/// The tokenizer that documents are split by, and that of a model without [`PIECES_FILE`].
pub(super) const TOKENIZER_FILE: &str = "tokenizer.json";
/// The pieces of a model's own Unigram tokenizer.
const PIECES_FILE: &str = "pieces.bin";
const DESCRIPTION_FILE: &str = "embedding.json";
pub(super) const MODEL_FILE: &str = "model.onnx";

/// How the vectors of a text's tokens become the vector of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean of all tokens.
    Mean,
    /// The first token.
    Cls,
}

/// Settings of the input that take the place of the model's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputOptions {
    /// The text in front of a question, such as `query: `.
    pub query_prefix: Option<String>,
    /// The text in front of a passage, such as `passage: `.
    pub passage_prefix: Option<String>,
    /// The pooling of a local model.
    pub pooling: Option<Pooling>,
    /// The longest input of a local model in tokens. Text beyond it is ignored.
    pub max_tokens: Option<usize>,
}

/// What `embedding.json` says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Description {
    pub(super) name: String,
    pub(super) dimensions: usize,
    pub(super) query_prefix: String,
    pub(super) passage_prefix: String,
    pub(super) pooling: Pooling,
    pub(super) max_tokens: usize,
    /// The cosine of unrelated texts. Cosines are counted from it.
    pub(super) unrelated_cosine: f32,
    /// The vector that is subtracted from each other one before two are compared; empty for none.
    pub(super) common: Vec<f32>,
    /// The languages that the model knows, by the two letters of ISO 639-1; without them, all.
    #[serde(default)]
    pub(super) languages: Option<Vec<String>>,
}

impl Default for Description {
    fn default() -> Self {
        Self {
            name: "minilm-l6-v2-int8".to_owned(),
            dimensions: 384,
            query_prefix: String::new(),
            passage_prefix: String::new(),
            pooling: Pooling::Mean,
            max_tokens: 256,
            unrelated_cosine: 0.0,
            common: Vec::new(),
            languages: Some(vec!["en".to_owned()]),
        }
    }
}

impl Description {
    /// Reads the description in a model's folder.
    pub(super) fn read(dir: &Path, options: &InputOptions) -> Result<Self, EmbedError> {
        let path = dir.join(DESCRIPTION_FILE);
        let mut description: Self = match std::fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|source| EmbedError::Description { path, source })?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(source) => return Err(EmbedError::File { path, source }),
        };
        let InputOptions { query_prefix, passage_prefix, pooling, max_tokens } = options.clone();
        description.query_prefix = query_prefix.unwrap_or(description.query_prefix);
        description.passage_prefix = passage_prefix.unwrap_or(description.passage_prefix);
        description.pooling = pooling.unwrap_or(description.pooling);
        description.max_tokens = max_tokens.unwrap_or(description.max_tokens);
        Ok(description)
    }
}

/// The tokens of an input.
pub(super) struct Tokens {
    pub(super) ids: Vec<i64>,
    /// The byte at which each token begins; empty if the tokenizer does not tell.
    pub(super) starts: Vec<usize>,
}

/// The tokenizer of a model's input.
pub(super) enum InputTokenizer {
    General(Box<Tokenizer>),
    Unigram(Unigram),
}

impl InputTokenizer {
    /// Reads the tokenizer of the folder.
    pub(super) fn read(dir: &Path, max_tokens: usize) -> Result<Self, EmbedError> {
        let path = dir.join(PIECES_FILE);
        if path.is_file() {
            let malformed =
                || EmbedError::Tokenizer { path: path.clone(), source: "malformed pieces".into() };
            return Unigram::parse(&read(dir, PIECES_FILE)?).map(Self::Unigram).ok_or_else(malformed);
        }
        let path = dir.join(TOKENIZER_FILE);
        let failed = |source| EmbedError::Tokenizer { path: path.clone(), source };
        let mut tokenizer = Tokenizer::from_bytes(read(dir, TOKENIZER_FILE)?).map_err(failed)?;
        tokenizer.with_padding(None);
        let truncation = TruncationParams { max_length: max_tokens, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(failed)?;
        Ok(Self::General(Box::new(tokenizer)))
    }

    /// The tokens of a text, at most `max_tokens`.
    pub(super) fn encode(&self, text: &str, max_tokens: usize) -> Result<Tokens, tokenizers::Error> {
        match self {
            Self::Unigram(unigram) => {
                let (ids, starts) = unigram.encode(text, max_tokens);
                Ok(Tokens { ids, starts })
            }
            Self::General(tokenizer) => {
                let encoding = tokenizer.encode_fast(text, true)?;
                let ids = encoding.get_ids().iter().copied().map(i64::from).collect();
                Ok(Tokens { ids, starts: Vec::new() })
            }
        }
    }
}

/// Reads the file of the tokenizer that documents are split by, and checks it.
pub(super) fn read_tokenizer(dir: &Path) -> Result<Vec<u8>, EmbedError> {
    let bytes = read(dir, TOKENIZER_FILE)?;
    Tokenizer::from_bytes(&bytes)
        .map_err(|source| EmbedError::Tokenizer { path: dir.join(TOKENIZER_FILE), source })?;
    Ok(bytes)
}

/// Reads a file of the folder.
pub(super) fn read(dir: &Path, name: &str) -> Result<Vec<u8>, EmbedError> {
    let path: PathBuf = dir.join(name);
    std::fs::read(&path).map_err(|source| EmbedError::File { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_without_languages_is_that_of_a_model_that_knows_all() {
        let described: Description =
            serde_json::from_str(r#"{"name": "some", "query_prefix": "q: "}"#).unwrap();
        assert_eq!((described.languages, described.query_prefix.as_str()), (None, "q: "));
        assert_eq!(Description::default().languages, Some(vec!["en".to_owned()]));
    }

    #[test]
    fn settings_take_the_place_of_the_description() {
        let folder = std::env::temp_dir();
        let options =
            InputOptions { pooling: Some(Pooling::Cls), max_tokens: Some(99), ..InputOptions::default() };
        let described = Description::read(&folder.join("without a description"), &options).unwrap();
        assert_eq!((described.pooling, described.max_tokens), (Pooling::Cls, 99));
        assert_eq!(described.query_prefix, "");
    }
}
