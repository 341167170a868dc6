//! Filters on fields with a payload index; strict mode refuses all others.

use qdrant_client::Qdrant;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, DeleteFieldIndexCollectionBuilder, DeletePointsBuilder, FieldType, Filter,
    Fusion, MinShould, PointId, PrefetchQueryBuilder, Query, QueryPointsBuilder, Range, RepeatedStrings,
    ScrollPointsBuilder, UpsertPointsBuilder,
};
use serde_json::json;
use tonic::Code;

use super::support::{PASSAGES, index, number, point, refusal, upsert_four, with_passages};

async fn matching(client: &Qdrant, filter: Filter) -> Vec<u64> {
    let count = client.count(CountPointsBuilder::new(PASSAGES).filter(filter.clone())).await.unwrap();
    let found = client.scroll(ScrollPointsBuilder::new(PASSAGES).filter(filter)).await.unwrap().result;
    assert_eq!(count.result.unwrap().count, found.len() as u64);
    found.into_iter().map(|point| number(point.id)).collect()
}

fn owner(name: &str) -> Condition {
    Condition::matches("owner", name.to_owned())
}

fn owners(names: &[&str]) -> RepeatedStrings {
    RepeatedStrings { strings: names.iter().map(|&name| name.to_owned()).collect() }
}

async fn every_kind_finds_its_points(client: &Qdrant) {
    let in_pages = |gt, lte| Range { gt: Some(gt), lte: Some(lte), ..Default::default() };
    let cases: Vec<(&str, Filter, &[u64])> = vec![
        ("keyword", Filter::must([owner("ann")]), &[1, 2]),
        (
            "any",
            Filter::must([Condition::matches("owner", MatchValue::Keywords(owners(&["ann", "eve"])))]),
            &[1, 2, 4],
        ),
        (
            "except",
            Filter::must([Condition::matches("owner", MatchValue::ExceptKeywords(owners(&["ann"])))]),
            &[3, 4],
        ),
        ("integer", Filter::must([Condition::matches("page", 3)]), &[3]),
        ("one of several values", Filter::must([Condition::matches("tags", "async".to_owned())]), &[1]),
        ("should", Filter::should([owner("bob"), owner("eve")]), &[3, 4]),
        ("must not", Filter::must_not([owner("ann")]), &[3, 4]),
        ("has id", Filter::must([Condition::has_id([PointId::from(2), PointId::from(9)])]), &[2]),
        ("range", Filter::must([Condition::range("page", in_pages(1.0, 3.0))]), &[2, 3]),
        ("is empty", Filter::must([Condition::is_empty("tags")]), &[2, 4]),
        ("is null", Filter::must([Condition::is_null("title")]), &[2]),
        ("inner filter", Filter::must([Condition::from(Filter::should([owner("bob")]))]), &[3]),
        ("no condition", Filter::default(), &[1, 2, 3, 4]),
    ];
    for (kind, filter, expected) in cases {
        assert_eq!(matching(client, filter).await, expected, "{kind}");
    }
    let all = Filter {
        must: vec![owner("ann")],
        must_not: vec![Condition::matches("page", 2)],
        ..Default::default()
    };
    assert_eq!(matching(client, all).await, [1]);
    let two_of = vec![owner("ann"), Condition::matches("page", 2), Condition::matches("page", 3)];
    let least = MinShould { conditions: two_of, min_count: 2 };
    assert_eq!(matching(client, Filter { min_should: Some(least), ..Default::default() }).await, [2]);
}

#[tokio::test]
async fn every_kind_of_filter_finds_its_points() {
    let (_server, client, _data) = with_passages().await;
    for (field, kind) in
        [("page", FieldType::Integer), ("tags", FieldType::Keyword), ("title", FieldType::Keyword)]
    {
        index(&client, field, kind).await;
    }
    upsert_four(&client).await;
    every_kind_finds_its_points(&client).await;
}

#[tokio::test]
async fn a_filter_on_a_field_without_an_index_of_its_kind_is_refused_as_in_strict_mode() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let page =
        || Filter::must([owner("ann"), Condition::from(Filter::should([Condition::matches("page", 2)]))]);
    let text = "Bad request: Index required but not found for \"page\" of one of the following types: [integer]. \
                Help: Create an index for this key or use a different filter.";
    let expected = (Code::InvalidArgument, text.to_owned());
    assert_eq!(refusal(client.count(CountPointsBuilder::new(PASSAGES).filter(page())).await), expected);
    assert_eq!(refusal(client.scroll(ScrollPointsBuilder::new(PASSAGES).filter(page())).await), expected);
    let delete = DeletePointsBuilder::new(PASSAGES).points(page()).wait(true);
    assert_eq!(refusal(client.delete_points(delete).await), expected);
    let inner = PrefetchQueryBuilder::default().query(vec![1.0, 0.0, 0.0, 0.0]).using("dense").filter(page());
    let fused = QueryPointsBuilder::new(PASSAGES).add_prefetch(inner).query(Query::new_fusion(Fusion::Rrf));
    assert_eq!(refusal(client.query(fused).await), expected);
    // An index of another kind does not serve the condition.
    index(&client, "page", FieldType::Keyword).await;
    assert_eq!(refusal(client.count(CountPointsBuilder::new(PASSAGES).filter(page())).await), expected);
    index(&client, "page", FieldType::Integer).await;
    assert_eq!(matching(&client, page()).await, [2]);
    client
        .delete_field_index(DeleteFieldIndexCollectionBuilder::new(PASSAGES, "page").wait(true))
        .await
        .unwrap();
    assert_eq!(refusal(client.count(CountPointsBuilder::new(PASSAGES).filter(page())).await), expected);
}

#[tokio::test]
async fn booleans_are_told_from_numbers() {
    let (_server, client, _data) = with_passages().await;
    let marks = [json!(true), json!(false), json!(1), json!(0)];
    let marked = |(id, mark)| point(id, [1.0; 4], &[1], json!({"mark": mark}));
    let points: Vec<_> = (1..).zip(marks).map(marked).collect();
    client.upsert_points(UpsertPointsBuilder::new(PASSAGES, points).wait(true)).await.unwrap();
    let mark = |value: MatchValue| Filter::must([Condition::matches("mark", value)]);
    index(&client, "mark", FieldType::Bool).await;
    assert_eq!(matching(&client, mark(true.into())).await, [1]);
    assert_eq!(matching(&client, mark(false.into())).await, [2]);
    index(&client, "mark", FieldType::Integer).await;
    assert_eq!(matching(&client, mark(1.into())).await, [3]);
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_is_refused() {
    let (_server, client, _data) = with_passages().await;
    let nothing = Condition { condition_one_of: None };
    for condition in [nothing, Condition::matches("a[", 1), Condition::has_id(["no uuid"])] {
        let count = CountPointsBuilder::new(PASSAGES).filter(Filter::must([condition]));
        assert_eq!(refusal(client.count(count).await).0, Code::InvalidArgument);
    }
}
