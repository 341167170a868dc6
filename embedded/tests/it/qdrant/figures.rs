//! Figures of the server: run with `--run-ignored only --no-capture`.

use std::time::{Duration, Instant};

use qdrant_client::qdrant::{
    Fusion, NamedVectors, PointStruct, PrefetchQueryBuilder, Query, QueryPointsBuilder, UpsertPointsBuilder,
    Vector, VectorInput, VectorParamsBuilder, VectorsConfigBuilder,
};
use qdrant_client::{Payload, Qdrant};
use serde_json::json;

use super::support::{PASSAGES, Server, hybrid};

const POINTS: u64 = 10_000;
const BATCH: u64 = 100;
const DIMENSIONS: usize = 384;

/// A deterministic source of pseudo-random numbers.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn dense(&mut self) -> Vec<f32> {
        (0..DIMENSIONS).map(|_| f32::from(u16::try_from(self.next() % 2000).unwrap()) - 1000.0).collect()
    }

    fn terms(&mut self, count: u32) -> Vec<u32> {
        (0..count).map(|term| term * 500 + u32::try_from(self.next() % 500).unwrap()).collect()
    }
}

fn passage(id: u64, noise: &mut Noise) -> PointStruct {
    let terms = noise.terms(60);
    let weights = vec![1.0; terms.len()];
    let vectors = NamedVectors::default()
        .add_vector("dense", Vector::new_dense(noise.dense()))
        .add_vector("bm25", Vector::new_sparse(terms, weights));
    let payload =
        json!({"owner": format!("user {}", id % 100), "text": "some words of a passage ".repeat(30)});
    PointStruct::new(id, vectors, Payload::try_from(payload).unwrap())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

async fn timed(client: &Qdrant, query: QueryPointsBuilder) -> Duration {
    let started = Instant::now();
    assert_eq!(client.query(query).await.unwrap().result.len(), 10);
    started.elapsed()
}

#[tokio::test]
#[ignore = "measures, proves nothing"]
async fn figures() {
    let data = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let server = Server::start(data.path()).await;
    println!("start, empty: {:?}", started.elapsed());
    let client = server.client();
    let mut dense = VectorsConfigBuilder::default();
    let params = VectorParamsBuilder::new(DIMENSIONS as u64, qdrant_client::qdrant::Distance::Cosine);
    dense.add_named_vector_params("dense", params);
    client.create_collection(hybrid(PASSAGES).vectors_config(dense)).await.unwrap();
    println!("memory, empty: {} KiB", server.anonymous_memory());

    let mut noise = Noise(7);
    let mut upserting = Duration::ZERO;
    for batch in 0..POINTS / BATCH {
        let points: Vec<_> = (0..BATCH).map(|id| passage(batch * BATCH + id, &mut noise)).collect();
        let started = Instant::now();
        client.upsert_points(UpsertPointsBuilder::new(PASSAGES, points).wait(true)).await.unwrap();
        upserting += started.elapsed();
    }
    println!("{POINTS} points in batches of {BATCH}: {upserting:?}");
    let mut singles = Vec::new();
    for id in 0..50 {
        let points = vec![passage(id, &mut noise)];
        let started = Instant::now();
        client.upsert_points(UpsertPointsBuilder::new(PASSAGES, points).wait(true)).await.unwrap();
        singles.push(started.elapsed());
    }
    println!("one point, median: {:?}", median(singles));

    let (mut plain, mut fused) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let by_vector =
            QueryPointsBuilder::new(PASSAGES).query(noise.dense()).using("dense").with_payload(true);
        plain.push(timed(&client, by_vector).await);
        let terms = noise.terms(8);
        let weights = vec![1.0_f32; terms.len()];
        let terms = Query::new_nearest(VectorInput::new_sparse(terms, weights));
        let hybrid = QueryPointsBuilder::new(PASSAGES)
            .add_prefetch(PrefetchQueryBuilder::default().query(noise.dense()).using("dense").limit(50_u64))
            .add_prefetch(PrefetchQueryBuilder::default().query(terms).using("bm25").limit(50_u64))
            .query(Fusion::Rrf)
            .with_payload(true);
        fused.push(timed(&client, hybrid).await);
    }
    println!("dense query, median: {:?}; fused query, median: {:?}", median(plain), median(fused));
    println!("memory, full: {} KiB", server.anonymous_memory());
    assert!(server.terminate().success());
    let started = Instant::now();
    let _server = Server::start(data.path()).await;
    println!("start, full: {:?}", started.elapsed());
}
