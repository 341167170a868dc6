//! Parameters beyond the bounds of what they name.

use crate::support::person::Person;
use crate::support::product::Product;

#[tokio::test]
async fn a_wait_for_a_position_far_beyond_the_ledger_is_refused_at_once() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    for path in ["/v1/conversations", "/v1/documents", "/v1/search?q=x"] {
        let separator = if path.contains('?') { '&' } else { '?' };
        for position in ["1000000000", "9223372036854775807", "9223372036854775808", "-1", "x"] {
            let answered = person.get(&format!("{path}{separator}min_position={position}")).await;
            assert_eq!(answered.status, 422, "{path} {position}: {answered:?}");
            assert_eq!(answered.body["field"], "min_position");
        }
        let answered = person.get(&format!("{path}{separator}min_position=1")).await;
        assert_eq!(answered.status, 200, "{answered:?}");
    }
}

#[tokio::test]
async fn a_date_that_the_database_does_not_know_is_refused_with_its_parameter() {
    let product = Product::start().await;
    let auditor = Person::auditor(&product).await;
    let time = ["-9999-01-01T00:00:00Z", "-4713-01-01T00:00:00Z", "%2B300000-01-01T00:00:00Z", "0"];
    for path in ["/v1/conversations?", "/v1/search?q=x&", "/v1/audit/events?"] {
        for (field, value) in time.iter().flat_map(|value| [("from", value), ("to", value)]) {
            let answered = auditor.get(&format!("{path}{field}={value}")).await;
            assert_eq!(
                (answered.status, answered.body["field"].as_str()),
                (422, Some(field)),
                "{path} {value}"
            );
        }
    }
    for (field, value) in [("from", "-9999-01-01"), ("to", "%2B300000-01-01"), ("to", "2026-1-1")] {
        let answered = auditor.get(&format!("/v1/usage?{field}={value}")).await;
        assert_eq!((answered.status, answered.body["field"].as_str()), (422, Some(field)), "{value}");
    }
    let id = uuid::Uuid::now_v7();
    for as_of in ["-9999-01-01T00:00:00Z", "9223372036854775808", "", "yesterday"] {
        let answered = auditor.get(&format!("/v1/audit/conversations/{id}?as_of={as_of}")).await;
        assert_eq!((answered.status, answered.body["field"].as_str()), (422, Some("as_of")), "{as_of}");
    }
    assert_eq!(
        auditor.get("/v1/conversations?from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59Z").await.status,
        200
    );
}
