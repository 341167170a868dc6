//! Runs an embedding model (ONNX) in this process. Loads the model and ONNX Runtime from local files;
//! downloads nothing.
//!
//! The model is quantized dynamically, so the vector of a text depends on the other texts of its batch. Each
//! text is therefore a batch of its own. That gives equal texts equal vectors and costs little on a CPU,
//! because no text is padded. Texts run beside each other, each on one core in a session of its own.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use ort::environment::Environment;
use ort::session::Session;
use ort::value::Tensor;
use tokio::sync::Semaphore;

use super::model_files::{
    Description, InputOptions, InputTokenizer, MODEL_FILE, Pooling, Tokens, read, read_tokenizer,
};
use super::similarity::normalized;
use super::{EmbedError, Vector, segments};

/// The most sessions of a process. Each has a copy of the model in memory.
const MAX_SESSIONS: usize = 4;

/// The files of the local model and its number of threads.
#[derive(Debug, Clone)]
pub struct EmbedderConfig {
    /// The folder with `model.onnx`, `tokenizer.json`, and for a model other than `MiniLM` `embedding.json`
    /// and `pieces.bin`.
    pub model_dir: PathBuf,
    /// The shared library of ONNX Runtime.
    pub ort_dylib: PathBuf,
    /// The number of texts that are embedded at the same time, each on one thread.
    pub threads: usize,
    /// Settings that take the place of the model's own.
    pub input: InputOptions,
}

impl EmbedderConfig {
    /// Configures these files, the model's own input and a thread for each core, at most four.
    pub fn new(model_dir: impl Into<PathBuf>, ort_dylib: impl Into<PathBuf>) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_SESSIONS));
        Self {
            model_dir: model_dir.into(),
            ort_dylib: ort_dylib.into(),
            threads,
            input: InputOptions::default(),
        }
    }
}

/// The loaded model. Clones share it.
#[derive(Clone)]
pub(super) struct LocalModel {
    shared: Arc<Shared>,
}

struct Shared {
    sessions: Mutex<Vec<Session>>,
    /// A permit for each session, given in the order of requests.
    free: Arc<Semaphore>,
    /// Permits for passages: as many as wait for a session or have one, so that a question waits for no more.
    background: Arc<Semaphore>,
    count: usize,
    tokenizer: InputTokenizer,
    pooling: Pooling,
    max_tokens: usize,
    takes_types: bool,
}

/// A text to embed.
pub(super) struct Input {
    pub(super) text: String,
    /// The bytes of its segments that get a vector of their own; `None` for one that is not found in the text.
    pub(super) segments: Vec<Option<Range<usize>>>,
}

/// The vector of a text and those of its segments: the means of their tokens, which have seen the whole text.
pub(super) struct Embedded {
    pub(super) vector: Vector,
    pub(super) segments: Vec<Option<Vector>>,
}

/// Order in which texts wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Somebody waits for an answer.
    Question,
    /// Passages of documents.
    Background,
}

impl LocalModel {
    /// Loads the model, and reads the file of the tokenizer that documents are split by. Blocks for some
    /// hundred milliseconds.
    pub(super) fn load(config: &EmbedderConfig) -> Result<(Self, Description, Vec<u8>), EmbedError> {
        let description = Description::read(&config.model_dir, &config.input)?;
        let splitting = read_tokenizer(&config.model_dir)?;
        let tokenizer = InputTokenizer::read(&config.model_dir, description.max_tokens)?;
        let onnx = read(&config.model_dir, MODEL_FILE)?;
        let environment = environment(&config.ort_dylib)?;
        let count = config.threads.clamp(1, MAX_SESSIONS);
        let sessions: Vec<Session> =
            (0..count).map(|_| session(&environment, &onnx)).collect::<Result<_, _>>()?;
        let takes_types = sessions
            .first()
            .is_some_and(|session| session.inputs().iter().any(|input| input.name() == "token_type_ids"));
        let shared = Shared {
            sessions: Mutex::new(sessions),
            free: Arc::new(Semaphore::new(count)),
            background: Arc::new(Semaphore::new(count)),
            count,
            tokenizer,
            pooling: description.pooling,
            max_tokens: description.max_tokens,
            takes_types,
        };
        Ok((Self { shared: Arc::new(shared) }, description, splitting))
    }

    /// Whether the tokenizer tells where a token stands in the text.
    pub(super) fn tells_tokens(&self) -> bool {
        matches!(self.shared.tokenizer, InputTokenizer::Unigram(_))
    }

    /// Returns the vectors in the order of the texts.
    pub(super) async fn embed(
        &self,
        texts: Vec<String>,
        urgency: Urgency,
    ) -> Result<Vec<Vector>, EmbedError> {
        let inputs = texts.into_iter().map(|text| Input { text, segments: Vec::new() });
        let embedded = self.embed_segmented(inputs.collect(), urgency).await?;
        Ok(embedded.into_iter().map(|embedded| embedded.vector).collect())
    }

    /// Returns the vectors in the order of the inputs, with those of their segments.
    pub(super) async fn embed_segmented(
        &self,
        inputs: Vec<Input>,
        urgency: Urgency,
    ) -> Result<Vec<Embedded>, EmbedError> {
        let embeddings = inputs.into_iter().map(|input| self.embed_one(input, urgency));
        stream::iter(embeddings).buffered(self.shared.count).try_collect().await
    }

    async fn embed_one(&self, input: Input, urgency: Urgency) -> Result<Embedded, EmbedError> {
        let closed = |_| EmbedError::UnexpectedShape;
        let permit = |semaphore: &Arc<Semaphore>| Arc::clone(semaphore).acquire_owned();
        let background = match urgency {
            Urgency::Question => None,
            Urgency::Background => Some(permit(&self.shared.background).await.map_err(closed)?),
        };
        let session = permit(&self.shared.free).await.map_err(closed)?;
        let shared = Arc::clone(&self.shared);
        // The permits last as long as the work, even where the caller has gone.
        let embedding = tokio::task::spawn_blocking(move || {
            let embedded = shared.run(&input);
            drop((session, background));
            embedded
        });
        embedding.await?
    }
}

impl Shared {
    /// Embeds a text in a free session.
    fn run(&self, input: &Input) -> Result<Embedded, EmbedError> {
        let tokens = self.tokenizer.encode(&input.text, self.max_tokens).map_err(EmbedError::Tokenize)?;
        let pop = || self.sessions.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut session = pop().ok_or(EmbedError::UnexpectedShape)?;
        let embedded = self.run_in(&mut session, tokens, &input.segments);
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        embedded
    }

    fn run_in(
        &self,
        session: &mut Session,
        Tokens { ids, starts }: Tokens,
        segments: &[Option<Range<usize>>],
    ) -> Result<Embedded, EmbedError> {
        let tokens = ids.len();
        let tensor = |numbers: Vec<i64>| Tensor::from_array(([1, tokens], numbers));
        let mut inputs = ort::inputs! {
            "input_ids" => tensor(ids)?,
            "attention_mask" => tensor(vec![1; tokens])?,
        };
        if self.takes_types {
            inputs.extend(ort::inputs! { "token_type_ids" => tensor(vec![0; tokens])? });
        }
        let outputs = session.run(inputs)?;
        let hidden = outputs.get("last_hidden_state").ok_or(EmbedError::UnexpectedShape)?;
        let (_, hidden) = hidden.try_extract_tensor::<f32>()?;
        if tokens == 0 || hidden.is_empty() || !hidden.len().is_multiple_of(tokens) {
            return Err(EmbedError::UnexpectedShape);
        }
        let dimensions = hidden.len() / tokens;
        let of_segment = |segment: &Option<Range<usize>>| {
            let tokens = segments::tokens_of(segment.as_ref()?, &starts)?;
            let hidden = hidden.get(tokens.start * dimensions..tokens.end * dimensions)?;
            Some(pooled(hidden, dimensions, Pooling::Mean))
        };
        let segments = segments.iter().map(of_segment).collect();
        Ok(Embedded { vector: pooled(hidden, dimensions, self.pooling), segments })
    }
}

/// Pools the vectors of the tokens, normalized.
fn pooled(hidden: &[f32], dimensions: usize, pooling: Pooling) -> Vector {
    let mut vector = vec![0.0; dimensions];
    let tokens = match pooling {
        Pooling::Mean => hidden.len() / dimensions,
        Pooling::Cls => 1,
    };
    for token in hidden.chunks_exact(dimensions).take(tokens) {
        for (sum, x) in vector.iter_mut().zip(token) {
            *sum += x;
        }
    }
    normalized(vector)
}

fn session(environment: &Environment, onnx: &[u8]) -> Result<Session, EmbedError> {
    let build = || -> ort::Result<Session> {
        let mut builder = Session::builder(environment)?
            .with_intra_threads(1)?
            // Unused memory goes back to the system with each text, not with the longest one.
            .with_memory_pattern(false)?;
        builder.commit_from_memory(onnx)
    };
    build().map_err(EmbedError::Model)
}

/// Returns the ONNX Runtime environment, of which a process can have only one.
fn environment(dylib: &Path) -> Result<Environment, EmbedError> {
    static SHARED: Mutex<Option<Environment>> = Mutex::new(None);
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = shared.as_ref() {
        return Ok(environment.clone());
    }
    let environment = ort::init_from(dylib)
        .map_err(|error| runtime_error(dylib, error))?
        .with_telemetry(false)
        .build()
        .map_err(|error| runtime_error(dylib, error))?;
    *shared = Some(environment.clone());
    Ok(environment)
}

fn runtime_error(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> EmbedError {
    EmbedError::Runtime { path: path.to_owned(), source: source.into() }
}
