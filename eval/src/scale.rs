//! Measures the time of retrieval in a large index, which is filled with variations of the
//! documents' passages.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use rag::embed::Vector;
use rag::index::IndexedPassage;
use rag::sparse::{SparseVector, TermSpace};
use rag::vocabulary::{ContentVersion, DocumentId, OwnerId, PassageBody, PassageId, PassageText, Scope};
use uuid::Uuid;

use crate::documents::Document;
use crate::engine::Engine;
use crate::questions::Question;

/// Passages that are varied.
const MAX_PATTERNS: usize = 400;
/// The distance between the vector of a variation and that of its pattern, for vectors of unit length.
const VARIATION: f32 = 0.6;
/// Points in one batch.
const POINTS_PER_BATCH: u64 = 512;
/// Batches between two progress messages.
const BATCHES_PER_MESSAGE: u64 = 40;
/// The time limit of the engine to build its graphs.
const MAX_SETTLING_TIME: Duration = Duration::from_mins(4);
/// The interval between two counts of indexed vectors. Two equal counts end the waiting.
const COUNT_INTERVAL: Duration = Duration::from_secs(15);
/// Measured rounds over all questions, after one round to warm up.
const ROUNDS: usize = 4;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// The measured times of retrieval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    passages: u64,
    median: Duration,
    p95: Duration,
    /// The resident memory of this process with the embedding model.
    resident_mib: u64,
}

impl std::fmt::Display for Scale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        let Self { passages, median, p95, resident_mib } = self;
        let (median, p95) = (ms(*median), ms(*p95));
        write!(
            f,
            "{passages} passages: retrieval with embedding {median:.1} ms (median), {p95:.1} ms (p95); \
             {resident_mib} MiB resident"
        )
    }
}

/// Fills the index to a number of passages and measures the retrieval of all questions.
pub(crate) async fn measure(
    engine: &Engine,
    documents: &[Document],
    questions: &[Question],
    passages: u64,
) -> anyhow::Result<Scale> {
    fill(engine, documents, passages).await?;
    wait_for_graphs(engine).await?;
    let user = OwnerId::from(Uuid::nil());
    let mut times = Vec::new();
    for round in 0..=ROUNDS {
        for question in questions {
            let started = Instant::now();
            engine.retriever.retrieve(&question.text, &[], user).await?;
            if round > 0 {
                times.push(started.elapsed());
            }
        }
    }
    times.sort_unstable();
    let percentile = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    let passages = engine.index.count(None).await?;
    Ok(Scale { passages, median: percentile(50), p95: percentile(95), resident_mib: resident_mib()? })
}

async fn fill(engine: &Engine, documents: &[Document], goal: u64) -> anyhow::Result<()> {
    let all = engine.passages(documents)?;
    let step = (all.len() / MAX_PATTERNS).max(1);
    let patterns: Vec<PassageText> = all.into_iter().step_by(step).collect();
    let patterns = engine.embedder.embed_in_segments(patterns).await?;
    let mut random = Xorshift64(SEED);
    let mut count = engine.index.count(None).await?;
    let started = Instant::now();
    while count < goal {
        let batch = POINTS_PER_BATCH.min(goal - count);
        let document_id =
            DocumentId::from(Uuid::from_u128(u128::from(random.next()) << 64 | u128::from(count)));
        let points = (0..batch).zip(0..).map(|(number, ordinal)| {
            let pattern = usize::try_from((count + number) % patterns.len() as u64).unwrap_or_default();
            let id = PassageId { document_id, ordinal };
            let (passage, vector) = &patterns[pattern];
            variation(passage, vector, id, &mut random)
        });
        engine.index.upsert(points.collect()).await.context("the index could not be filled")?;
        count += batch;
        if count.is_multiple_of(POINTS_PER_BATCH * BATCHES_PER_MESSAGE) {
            eprintln!("eval: {count} passages after {} s", started.elapsed().as_secs());
        }
    }
    Ok(())
}

/// Waits until the engine, which builds its graphs in the background, has indexed all vectors.
async fn wait_for_graphs(engine: &Engine) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut previous = 0;
    while started.elapsed() < MAX_SETTLING_TIME {
        tokio::time::sleep(COUNT_INTERVAL).await;
        let indexed = engine.index.count_indexed().await?;
        if indexed > 0 && indexed == previous {
            break;
        }
        previous = indexed;
    }
    eprintln!("eval: {previous} vectors in a graph after {} s", started.elapsed().as_secs());
    Ok(())
}

/// Returns a passage with the same text and a random vector near that of the pattern.
fn variation(
    passage: &PassageText,
    vector: &Vector,
    id: PassageId,
    random: &mut Xorshift64,
) -> IndexedPassage {
    #[expect(clippy::cast_precision_loss, reason = "a vector has few dimensions")]
    let spread = VARIATION * (3.0 / vector.len() as f32).sqrt();
    let moved: Vector = vector.iter().map(|x| x + spread * random.next_signed()).collect();
    let length = rag::embed::cosine(&moved, &moved).sqrt();
    IndexedPassage {
        id,
        version: ContentVersion::ONLY,
        scope: Scope::Shared,
        body: PassageBody::Open(passage.clone()),
        dense: moved.into_iter().map(|x| x / length).collect(),
        sparse: SparseVector::of_passage(passage, TermSpace::Shared),
        has_segments: !passage.vectors.is_empty(),
    }
}

/// A pseudo-random generator with the same sequence in each run.
struct Xorshift64(u64);

impl Xorshift64 {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Returns a number from -1 to 1.
    fn next_signed(&mut self) -> f32 {
        let bits = u16::try_from(self.next() >> 48).unwrap_or_default();
        f32::from(bits) / 32_768.0 - 1.0
    }
}

/// Returns the resident memory of this process.
fn resident_mib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("/proc/self/status cannot be read")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let value = line.context("/proc/self/status has no line VmRSS")?.trim().trim_end_matches("kB").trim();
    let kib: u64 = value.parse().context("VmRSS is not a number of kB")?;
    Ok(kib / 1_024)
}
