//! Attempts at reading a file: counted before they begin, and for one version of a document.

use aggregates::{DocumentId, Version};
use uuid::Uuid;

use crate::support::backbone::Backbone;

#[tokio::test]
async fn attempts_are_counted_before_they_begin_and_forgotten_when_one_ends() {
    let store = Backbone::new().await.store;
    let (document, version) = (DocumentId::new(Uuid::now_v7()), Version(1));
    let begin = async |version| {
        let before = store.begin_extraction(document, version).await.unwrap();
        (before.unfinished, before.failed, before.reason)
    };
    assert_eq!(begin(version).await, (0, 0, None));
    assert_eq!(begin(version).await, (1, 0, None));
    store.cancel_extraction(document, version).await.unwrap();
    store.fail_extraction(document, version, "It is nested.").await.unwrap();
    assert_eq!(begin(version).await, (0, 1, Some("It is nested.".to_owned())));
    assert_eq!(begin(Version(3)).await, (0, 0, None), "another version begins anew");
    store.end_extraction(document).await.unwrap();
    assert_eq!(begin(Version(3)).await, (0, 0, None));
}
