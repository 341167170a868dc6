//! How fast passages are found when there are many: the documents' own passages, and as many more like them as are wanted.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use rag::embed::Vector;
use rag::index::IndexedPassage;
use rag::ingest::Ingester;
use rag::sparse::SparseVector;
use rag::vocabulary::{ContentVersion, DocumentId, OwnerId, PassageBody, PassageId, PassageText, Scope};
use uuid::Uuid;

use crate::documents::Document;
use crate::engine::Engine;
use crate::questions::Question;

/// Passages whose vectors the others are made like.
const PATTERNS: usize = 400;
/// How far a vector is moved, in units of its length.
const MOVED: f32 = 0.6;
/// Points written at once.
const BATCH: u64 = 512;
/// How long the engine may take to build its graphs, and how long their number must stay the same.
const SETTLING: Duration = Duration::from_mins(4);
const STEADY: Duration = Duration::from_secs(15);
/// How often the questions are asked.
const ROUNDS: usize = 4;

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    passages: u64,
    median: Duration,
    p95: Duration,
    /// Of this process, with the model loaded, in MiB.
    resident: u64,
}

impl std::fmt::Display for Scale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        let Self { passages, median, p95, resident } = self;
        let (median, p95) = (ms(*median), ms(*p95));
        write!(
            f,
            "{passages} passages: found in {median:.1} ms (median), {p95:.1} ms (p95), embedding included; {resident} MiB resident"
        )
    }
}

/// Fills the index up to so many passages, then asks every question some times, one after the other.
pub(crate) async fn measure(
    engine: &Engine,
    documents: &[Document],
    questions: &[Question],
    passages: u64,
) -> anyhow::Result<Scale> {
    fill(engine, documents, passages).await?;
    settle(engine).await?;
    let somebody = OwnerId::from(Uuid::nil());
    let mut times = Vec::new();
    for round in 0..=ROUNDS {
        for question in questions {
            let began = Instant::now();
            engine.retriever.retrieve(&question.text, &[], somebody).await?;
            // The first round warms up.
            if round > 0 {
                times.push(began.elapsed());
            }
        }
    }
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    let passages = engine.index.count(None).await?;
    Ok(Scale { passages, median: at(50), p95: at(95), resident: resident()? })
}

async fn fill(engine: &Engine, documents: &[Document], goal: u64) -> anyhow::Result<()> {
    let ingester = Ingester::new(engine.embedder.clone(), engine.index.clone());
    let all: Vec<PassageText> =
        documents.iter().flat_map(|document| ingester.passages(&document.text)).collect();
    let step = (all.len() / PATTERNS).max(1);
    let patterns: Vec<PassageText> = all.into_iter().step_by(step).collect();
    let vectors = engine.embedder.embed_passages(&patterns).await?;
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut there = engine.index.count(None).await?;
    let began = Instant::now();
    while there < goal {
        let wanted = BATCH.min(goal - there);
        let id = DocumentId::from(Uuid::from_u128(u128::from(chance.next()) << 64 | u128::from(there)));
        let points = (0..wanted).zip(0..).map(|(number, ordinal)| {
            let pattern = usize::try_from((there + number) % patterns.len() as u64).unwrap_or_default();
            like(&patterns[pattern], &vectors[pattern], PassageId { document_id: id, ordinal }, &mut chance)
        });
        engine.index.upsert(points.collect()).await.context("fill the index")?;
        there += wanted;
        if there % (BATCH * 40) == 0 {
            eprintln!("eval: {there} passages after {} s", began.elapsed().as_secs());
        }
    }
    Ok(())
}

/// Lets the engine do what it does when it is left alone after so much was written: build its graphs.
async fn settle(engine: &Engine) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut before = 0;
    while began.elapsed() < SETTLING {
        tokio::time::sleep(STEADY).await;
        let indexed = engine.index.count_indexed().await?;
        if indexed > 0 && indexed == before {
            break;
        }
        before = indexed;
    }
    eprintln!("eval: {before} vectors in a graph after {} s", began.elapsed().as_secs());
    Ok(())
}

/// A passage that says the same and means something near.
fn like(passage: &PassageText, vector: &Vector, id: PassageId, chance: &mut Chance) -> IndexedPassage {
    #[expect(clippy::cast_precision_loss, reason = "a vector has few numbers")]
    let spread = MOVED * (3.0 / vector.len() as f32).sqrt();
    let moved: Vector = vector.iter().map(|x| x + spread * chance.between()).collect();
    let length = rag::embed::cosine(&moved, &moved).sqrt();
    IndexedPassage {
        id,
        version: ContentVersion::ONLY,
        scope: Scope::Shared,
        body: PassageBody::Open(passage.clone()),
        dense: moved.into_iter().map(|x| x / length).collect(),
        sparse: SparseVector::of_passage(passage),
    }
}

/// Xorshift: the same each time.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From -1 to 1.
    fn between(&mut self) -> f32 {
        let bits = u16::try_from(self.next() >> 48).unwrap_or_default();
        f32::from(bits) / 32_768.0 - 1.0
    }
}

/// What this process holds in memory.
fn resident() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("read /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("find VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().context("read VmRSS")?;
    Ok(kib / 1_024)
}
