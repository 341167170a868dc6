//! Queries: by dense and by sparse vector, fused, filtered, cut and batched.

use qdrant_client::Qdrant;
use qdrant_client::qdrant::{
    Condition, Filter, Fusion, PointId, PrefetchQueryBuilder, Query, QueryBatchPointsBuilder, QueryPoints,
    QueryPointsBuilder, RrfBuilder, ScoredPoint, UpsertPointsBuilder, VectorInput,
};
use serde_json::json;
use tonic::Code;

use super::support::{PASSAGES, number, point, refusal, upsert_four, with_passages};

async fn found(client: &Qdrant, query: impl Into<QueryPoints>) -> Vec<ScoredPoint> {
    client.query(query).await.unwrap().result
}

fn ids(points: &[ScoredPoint]) -> Vec<u64> {
    points.iter().map(|point| number(point.id.clone())).collect()
}

fn dense(vector: [f32; 4]) -> QueryPointsBuilder {
    QueryPointsBuilder::new(PASSAGES).query(vector.to_vec()).using("dense")
}

fn terms(terms: &[u32]) -> Query {
    let sparse = terms.iter().map(|&term| (term, 1.0)).collect::<Vec<_>>();
    Query::new_nearest(VectorInput::new_sparse(
        sparse.iter().map(|(term, _)| *term).collect::<Vec<u32>>(),
        sparse.iter().map(|(_, weight)| *weight).collect::<Vec<f32>>(),
    ))
}

fn close(a: f32, b: f32) -> bool {
    (a - b).abs() < 1e-4
}

#[tokio::test]
async fn the_nearest_dense_vectors_come_first_scored_by_their_cosine() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let points = found(&client, dense([2.0, 0.0, 0.0, 0.0])).await;
    assert_eq!(ids(&points)[..2], [1, 2]);
    assert!(close(points[0].score, 1.0), "{}", points[0].score);
    assert!(close(points[1].score, 0.9 / 0.82_f32.sqrt()), "{}", points[1].score);
    assert!(points[0].payload.is_empty() && points[0].vectors.is_none(), "neither comes unasked");
}

#[tokio::test]
async fn limit_offset_and_threshold_cut_the_ranking() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let near = [1.0, 0.01, 0.1, 0.0];
    let all = ids(&found(&client, dense(near)).await);
    assert_eq!(all.len(), 4);
    assert_eq!(ids(&found(&client, dense(near).limit(2)).await), all[..2]);
    assert_eq!(ids(&found(&client, dense(near).limit(2).offset(1)).await), all[1..3]);
    assert!(found(&client, dense(near).offset(9)).await.is_empty());
    assert_eq!(ids(&found(&client, dense(near).score_threshold(0.5)).await), [1, 2]);
    assert_eq!(refusal(client.query(dense(near).limit(0)).await).0, Code::InvalidArgument);
}

#[tokio::test]
async fn payload_and_vectors_are_returned_on_request() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let full =
        found(&client, dense([1.0, 0.0, 0.0, 0.0]).limit(1).with_payload(true).with_vectors(true)).await;
    assert_eq!(full[0].payload["owner"].as_str().unwrap(), "ann");
    assert!(full[0].vectors.as_ref().unwrap().get_vector_by_name("bm25").is_some());
    let some = qdrant_client::qdrant::PayloadIncludeSelector { fields: vec!["page".to_owned()] };
    let part = found(&client, dense([1.0, 0.0, 0.0, 0.0]).limit(1).with_payload(some)).await;
    assert_eq!(part[0].payload.keys().collect::<Vec<_>>(), ["page"]);
}

#[tokio::test]
async fn a_filter_holds_in_a_query() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let mine = Filter::should(["bob", "eve"].map(|name| Condition::matches("owner", name.to_owned())));
    assert_eq!(ids(&found(&client, dense([1.0, 0.0, 0.1, 0.0]).filter(mine)).await), [3, 4]);
}

#[tokio::test]
async fn a_rare_term_weighs_more_than_a_common_one() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let by_terms = QueryPointsBuilder::new(PASSAGES).query(terms(&[1, 30])).using("bm25");
    let points = found(&client, by_terms).await;
    assert_eq!(number(points[0].id.clone()), 3);
    // All four points have term 1, one has term 30: idf = ln(1 + (N - n + 0.5) / (n + 0.5)).
    let idf = |n: f32| (1.0 + (4.0 - n + 0.5) / (n + 0.5)).ln();
    assert!(close(points[0].score, idf(4.0) + idf(1.0)), "{}", points[0].score);
    assert!(close(points[1].score, idf(4.0)), "{}", points[1].score);
}

#[tokio::test]
async fn reciprocal_rank_fusion_prefers_points_of_both_rankings() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let hybrid = QueryPointsBuilder::new(PASSAGES)
        .add_prefetch(
            PrefetchQueryBuilder::default().query(vec![0.0, 0.0, 1.0, 0.3]).using("dense").limit(2_u64),
        )
        .add_prefetch(PrefetchQueryBuilder::default().query(terms(&[30, 20])).using("bm25").limit(10_u64))
        .query(Fusion::Rrf)
        .limit(3)
        .with_payload(true);
    let points = found(&client, hybrid.clone()).await;
    // Dense ranks 4, 3; sparse ranks 2 and 3 alike, by two equally rare terms. A first place counts 1/2, a
    // second 1/3.
    let three = points.iter().find(|point| number(point.id.clone()) == 3).unwrap();
    assert_eq!(number(points[0].id.clone()), 3);
    assert!(close(three.score, 1.0 / 3.0 + 1.0 / 2.0) || close(three.score, 1.0 / 3.0 + 1.0 / 3.0));
    assert!(points.iter().all(|point| point.payload.contains_key("owner")));

    let ann = Filter::must([Condition::matches("owner", "ann".to_owned())]);
    assert_eq!(
        ids(&found(&client, hybrid.clone().filter(ann)).await),
        [2, 1],
        "the filter reaches the prefetches"
    );
    let cut = found(&client, hybrid.offset(1).limit(1)).await;
    assert_eq!(cut.len(), 1);
    assert_ne!(number(cut[0].id.clone()), 3, "the first is passed over; what comes next may be alike");
}

#[tokio::test]
async fn fusion_takes_a_constant_and_weights() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let first = |vector: Vec<f32>| PrefetchQueryBuilder::default().query(vector).using("dense").limit(1_u64);
    let query = QueryPointsBuilder::new(PASSAGES)
        .add_prefetch(first(vec![1.0, 0.0, 0.0, 0.0]))
        .add_prefetch(first(vec![0.0, 0.0, 1.0, 0.0]))
        .query(Query::new_rrf(RrfBuilder::default().k(10).weights(vec![1.0, 3.0])));
    let points = found(&client, query).await;
    assert_eq!(ids(&points), [3, 1]);
    assert!(points[0].score > points[1].score);
}

#[tokio::test]
async fn a_stored_point_can_be_the_query_and_is_left_out() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let like = |id: u64| QueryPointsBuilder::new(PASSAGES).query(PointId::from(id)).using("dense").limit(1);
    assert_eq!(ids(&found(&client, like(3)).await), [4]);
    let refused = refusal(client.query(like(77)).await);
    assert_eq!(refused, (Code::NotFound, "Not found: No point with id 77 found".to_owned()));
}

#[tokio::test]
async fn without_a_query_points_come_by_id_and_can_be_ordered() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    assert_eq!(ids(&found(&client, QueryPointsBuilder::new(PASSAGES).limit(2)).await), [1, 2]);
    let ordered = QueryPointsBuilder::new(PASSAGES).query(Query::new_order_by("page"));
    let refused = refusal(client.query(ordered.clone()).await);
    assert_eq!(refused.0, Code::InvalidArgument);
    assert!(refused.1.contains("No range index for `order_by` key: `page`"), "{}", refused.1);
}

#[tokio::test]
async fn a_batch_answers_each_query_in_turn() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let queries =
        vec![dense([1.0, 0.0, 0.0, 0.0]).limit(1).build(), dense([0.0, 0.0, 1.0, 0.0]).limit(2).build()];
    let answers = client.query_batch(QueryBatchPointsBuilder::new(PASSAGES, queries)).await.unwrap().result;
    assert_eq!(answers.iter().map(|answer| ids(&answer.result)).collect::<Vec<_>>(), [vec![1], vec![3, 4]]);
}

#[tokio::test]
async fn queries_that_do_not_fit_are_refused_in_the_servers_words() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let query = |vector: Vec<f32>, using: &str| QueryPointsBuilder::new(PASSAGES).query(vector).using(using);
    let refused = refusal(client.query(query(vec![1.0; 3], "dense")).await);
    let why = "Wrong input: Vector dimension error: expected dim: 4, got 3";
    assert_eq!(refused, (Code::InvalidArgument, why.to_owned()));
    let refused = refusal(client.query(query(vec![1.0; 4], "colour")).await);
    assert_eq!(
        refused,
        (Code::InvalidArgument, "Wrong input: Not existing vector name error: colour".to_owned())
    );
    assert_eq!(refusal(client.query(query(vec![1.0; 4], "bm25")).await).0, Code::InvalidArgument);
    let alone = QueryPointsBuilder::new(PASSAGES).query(Fusion::Rrf);
    assert_eq!(refusal(client.query(alone).await).0, Code::InvalidArgument);
    let sampled = QueryPointsBuilder::new(PASSAGES)
        .query(Query::new_context(qdrant_client::qdrant::ContextInputBuilder::default()));
    assert_eq!(refusal(client.query(sampled).await).0, Code::Unimplemented);
}

#[tokio::test]
async fn a_point_is_found_by_its_newest_vector_only() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let moved = vec![point(1, [0.0, 1.0, 0.0, 0.0], &[99], json!({}))];
    client.upsert_points(UpsertPointsBuilder::new(PASSAGES, moved).wait(true)).await.unwrap();
    assert_eq!(ids(&found(&client, dense([1.0, 0.0, 0.0, 0.0]).limit(1)).await), [2]);
    let old = QueryPointsBuilder::new(PASSAGES).query(terms(&[10])).using("bm25");
    assert!(found(&client, old).await.is_empty());
}
