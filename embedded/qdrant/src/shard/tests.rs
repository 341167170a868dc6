use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use qdrant_edge::{
    CountRequest, CreateIndex, Distance, EdgeConfig, EdgeOptimizersConfig, EdgeVectorParams,
    FieldIndexOperations, NamedQuery, PayloadFieldSchema, PayloadSchemaType, PointId, PointInsertOperations,
    PointOperations, PointStruct, QueryEnum, QueryRequest, ScoringQuery, UpdateOperation, VectorInternal,
    Vectors, WalOptions,
};
use serde_json::json;

use super::{Shard, closed_logs};

/// A small log, so that it gets several files, and an index as soon as there is anything to index.
fn create(path: &Path) -> Shard {
    let config = EdgeConfig {
        vectors: [("dense".to_owned(), EdgeVectorParams::builder(4, Distance::Euclid).build())].into(),
        optimizers: EdgeOptimizersConfig { indexing_threshold: Some(1), ..Default::default() },
        wal_options: Some(WalOptions {
            segment_capacity: 64 * 1024,
            segment_queue_len: 0,
            retain_closed: NonZeroUsize::MIN,
        }),
        ..Default::default()
    };
    Shard::create("numbers", path, config).unwrap();
    Shard::open("numbers", path).unwrap()
}

async fn upsert(shard: &Arc<Shard>, ids: std::ops::Range<u16>) {
    let point = |id: u16| {
        let vectors = Vectors::new_named([("dense", vec![f32::from(id), 1.0, 2.0, 3.0])]);
        PointStruct::new(u64::from(id), vectors, json!({"parity": id % 2, "text": "some text ".repeat(50)}))
            .into()
    };
    let points = PointInsertOperations::PointsList(ids.map(point).collect());
    shard.write(UpdateOperation::PointOperation(PointOperations::UpsertPoints(points))).await.unwrap();
}

async fn index_parity(shard: &Arc<Shard>) {
    let schema = PayloadFieldSchema::FieldType(PayloadSchemaType::Integer);
    let index = CreateIndex { field_name: "parity".parse().unwrap(), field_schema: Some(schema) };
    shard
        .write(UpdateOperation::FieldIndexOperation(FieldIndexOperations::CreateIndex(index)))
        .await
        .unwrap();
}

async fn count(shard: &Shard) -> usize {
    shard.read(|engine| Ok(engine.count(CountRequest { filter: None, exact: true })?)).await.unwrap()
}

async fn nearest(shard: &Shard, to: u16) -> PointId {
    let query = NamedQuery::new(VectorInternal::Dense(vec![f32::from(to), 1.0, 2.0, 3.0]), "dense");
    let request = QueryRequest {
        prefetches: Vec::new(),
        query: Some(ScoringQuery::Vector(QueryEnum::Nearest(query))),
        filter: None,
        score_threshold: None,
        limit: 1,
        offset: 0,
        params: None,
        with_vector: false.into(),
        with_payload: false.into(),
    };
    shard.read(|engine| Ok(engine.query(request)?[0].id)).await.unwrap()
}

/// What the service does after a pause: the first look only notices that nothing has been written since.
async fn pause(shard: &Shard) {
    shard.tidy().await.unwrap();
    shard.tidy().await.unwrap();
}

#[tokio::test]
async fn tidying_builds_the_index_and_keeps_points_and_payload_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let shard = Arc::new(create(folder.path()));
    index_parity(&shard).await;
    upsert(&shard, 0..500).await;
    assert_eq!(shard.read(|engine| Ok(engine.info().indexed_vectors_count)).await.unwrap(), 0);
    pause(&shard).await;
    assert!(shard.read(|engine| Ok(engine.info().indexed_vectors_count)).await.unwrap() >= 500);
    upsert(&shard, 490..600).await;
    assert_eq!(count(&shard).await, 600);
    assert_eq!(nearest(&shard, 123).await, PointId::NumId(123));
    assert_eq!(nearest(&shard, 595).await, PointId::NumId(595));
    let info = shard.read(|engine| Ok(engine.info())).await.unwrap();
    // Points that moved to the new segment may still be counted in the old one.
    assert!(info.payload_schema[&"parity".parse().unwrap()].points >= 600, "{info:?}");
}

#[tokio::test]
async fn a_shard_in_use_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let shard = Arc::new(create(folder.path()));
    upsert(&shard, 0..500).await;
    shard.tidy().await.unwrap();
    assert_eq!(shard.read(|engine| Ok(engine.info().indexed_vectors_count)).await.unwrap(), 0);
}

#[tokio::test]
async fn reopening_drops_the_old_log_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let shard = Arc::new(create(folder.path()));
    for batch in 0..20 {
        upsert(&shard, batch * 50..(batch + 1) * 50).await;
    }
    assert!(closed_logs(folder.path()).unwrap().len() > 2);
    for round in 0..3 {
        shard.reopen().await.unwrap();
        assert_eq!(closed_logs(folder.path()).unwrap().len(), 1);
        assert_eq!(count(&shard).await, 1000 + usize::from(round) * 60);
        upsert(&shard, 1000 + round * 60..1060 + round * 60).await;
        assert_eq!(nearest(&shard, 1003 + round * 60).await, PointId::NumId(u64::from(1003 + round * 60)));
    }
}

#[tokio::test]
async fn a_closed_shard_answers_that_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let shard = Arc::new(create(folder.path()));
    upsert(&shard, 0..10).await;
    shard.close().await.unwrap();
    let gone = shard.read(|engine| Ok(engine.info().points_count)).await.unwrap_err();
    assert_eq!(gone.to_string(), "Not found: Collection `numbers` doesn't exist!");
    shard.tidy().await.unwrap();
    assert_eq!(
        Shard::open("numbers", folder.path()).unwrap().read(|e| Ok(e.info().points_count)).await.unwrap(),
        10
    );
}
