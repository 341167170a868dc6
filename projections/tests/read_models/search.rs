//! The search finds texts by their words, and the database contains no words.

use aggregates::conversation::ConversationEvent;
use aggregates::{ConversationId, UserId};
use projections::conversations::Filter;
use projections::search::{self, HitRole, SearchHit, SearchQuery, SnippetBudget};
use sqlx::PgPool;

use crate::database::{apply, database};
use crate::history::History;

async fn find(pool: &PgPool, history: &History, user: UserId, typed: &str) -> Vec<SearchHit> {
    let query = SearchQuery::parse(typed).unwrap();
    let page =
        search::find(pool, user, &history.blind(user), &query, &Filter::default(), None, 50).await.unwrap();
    let mut budget = SnippetBudget::default();
    page.items
        .into_iter()
        .map(|found| {
            let key = history.key(found.conversation.id);
            found.open(&query, Some(key), &mut budget)
        })
        .collect()
}

/// A new user with one conversation per question.
async fn asked(questions: &[&str]) -> (PgPool, History, UserId) {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    for question in questions {
        let id = history.start_conversation(user);
        history.ask(id, None, question);
    }
    apply(&pool, &history.events, 100).await;
    (pool, history, user)
}

#[tokio::test]
async fn a_word_is_found_in_all_its_forms_and_by_its_prefixes() {
    let (pool, history, user) = asked(&["The borrowed mallets were running late"]).await;
    for typed in [
        "borrowed",
        "borrowing",
        "borrow",
        "borro",
        "bor",
        "MALLETS",
        "mallet",
        "runni",
        "runnin",
        "running",
        "late mallet",
        "borrowing mallets",
        "borrow* late",
        "were running",
        "\"mallets\"",
    ] {
        assert_eq!(find(&pool, &history, user, typed).await.len(), 1, "{typed}");
    }
    for typed in ["burrow", "bo", "orrow", "mallets trombone", "malle late", "runni late"] {
        assert_eq!(find(&pool, &history, user, typed).await.len(), 0, "{typed}");
    }
}

#[tokio::test]
async fn a_phrase_is_found_only_as_it_is_written() {
    let (pool, history, user) = asked(&["Move the value to the other thread, then value the move"]).await;
    for (typed, hits) in [
        ("\"move the value\"", 1),
        ("\"Move  THE, value!\"", 1),
        ("\"value the move\"", 1),
        ("\"move value\"", 0),
        ("\"moves the value\"", 0),
        ("\"value to the other thread\"", 1),
        ("\"thread other\"", 0),
        ("\"other thread\" moving", 1),
        ("\"other thread\" trombone", 0),
    ] {
        assert_eq!(find(&pool, &history, user, typed).await.len(), hits, "{typed}");
    }
}

#[tokio::test]
async fn words_of_other_languages_are_found() {
    let (pool, history, user) =
        asked(&["Über die Lebensdauern ausgeliehener Werte", "Когда значение перемещается", "所有权和借用"])
            .await;
    for typed in [
        "über",
        "Lebensdauern",
        "lebensd",
        "\"ausgeliehener Werte\"",
        "значение",
        "переме",
        "借用",
        "\"所有权\"",
    ] {
        assert_eq!(find(&pool, &history, user, typed).await.len(), 1, "{typed}");
    }
    assert_eq!(find(&pool, &history, user, "\"权有所\"").await.len(), 0);
}

#[tokio::test]
async fn the_most_relevant_hit_comes_first_and_of_equal_rank_the_newest() {
    let (pool, history, user) = asked(&[
        "One mallet among many other words",
        "Nothing of the kind",
        "One mallet among many more words",
        "A mallet, another mallet, mallets everywhere",
    ])
    .await;
    let found = find(&pool, &history, user, "mallet").await;
    let snippets: Vec<&str> = found.iter().map(|found| found.snippet.as_str()).collect();
    assert_eq!(
        snippets,
        [
            "A mallet, another mallet, mallets everywhere",
            "One mallet among many more words",
            "One mallet among many other words",
        ]
    );
    assert!(found[0].score > found[1].score);
    let near =
        asked(&["mallet and then so many words that nobody counts them before the drum", "mallet drum"])
            .await;
    let found = find(&near.0, &near.1, near.2, "mallet drum").await;
    assert_eq!(found[0].snippet, "mallet drum", "words near each other rank higher");
}

#[tokio::test]
async fn pages_of_hits_of_equal_rank_contain_each_hit_once() {
    let (pool, history, user) = asked(&["mallet"; 11]).await;
    let query = SearchQuery::parse("mallet").unwrap();
    let (mut seen, mut after) = (vec![], None);
    loop {
        let filter = Filter::default();
        let page = search::find(&pool, user, &history.blind(user), &query, &filter, after, 4).await.unwrap();
        seen.extend(page.items.iter().map(|found| found.conversation.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let newest_first: Vec<_> = history
        .events
        .iter()
        .rev()
        .filter(|event| event.recorded.event.name() == "QuestionAsked")
        .map(|event| ConversationId::new(event.recorded.aggregate_id))
        .collect();
    assert_eq!(seen, newest_first);
}

#[tokio::test]
async fn hits_name_their_message_or_title() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let id = history.start_conversation(user);
    let (question, answer) = history.turn(id, None, "Which instrument?", "The **xylophone** [1].");
    history.rename(id, "Xylophones first");
    history.rename(id, "Marimbas and more");
    apply(&pool, &history.events, 3).await;
    let found = find(&pool, &history, user, "xylophone").await;
    assert_eq!(found.len(), 1, "the old title is gone");
    assert_eq!((found[0].role, found[0].message_id), (HitRole::Assistant, Some(answer.uuid())));
    let [(start, end)] = found[0].highlights[..] else { panic!("{:?}", found[0].highlights) };
    let marked: String = found[0].snippet.chars().skip(start).take(end - start).collect();
    assert_eq!(marked, "xylophone");
    let found = find(&pool, &history, user, "instrument").await;
    assert_eq!((found[0].role, found[0].message_id), (HitRole::User, Some(question.uuid())));
    assert_eq!(found[0].title, "Marimbas and more");
    let found = find(&pool, &history, user, "marimba").await;
    assert_eq!((found[0].role, found[0].message_id), (HitRole::Title, None));
    assert_eq!((found[0].snippet.as_str(), found[0].conversation_id), ("Marimbas and more", id));
}

#[tokio::test]
async fn filters_restrict_the_search_and_deleted_conversations_are_left_out() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let ids: Vec<ConversationId> = (0..3).map(|_| history.start_conversation(user)).collect();
    for id in &ids {
        history.ask(*id, None, "mallet");
    }
    history.append_to_conversation(ids[0], ConversationEvent::ConversationArchived);
    history.tag(ids[1], &["drums"]);
    let before = history.now();
    history.ask(ids[2], None, "one more mallet");
    history.append_to_conversation(ids[2], ConversationEvent::ConversationPinned);
    apply(&pool, &history.events, 100).await;
    let query = SearchQuery::parse("mallet").unwrap();
    let tag = Some(history.blind(user).tag("drums").into_string());
    let none = Filter::default();
    for (filter, hits) in [
        (none.clone(), 4),
        (Filter { archived: Some(true), ..none.clone() }, 1),
        (Filter { archived: Some(false), ..none.clone() }, 3),
        (Filter { pinned: Some(true), ..none.clone() }, 2),
        (Filter { tag, ..none.clone() }, 1),
        (Filter { from: Some(before), ..none.clone() }, 1),
        (Filter { to: Some(before), ..none.clone() }, 3),
    ] {
        let page = search::find(&pool, user, &history.blind(user), &query, &filter, None, 50).await.unwrap();
        assert_eq!(page.items.len(), hits, "{filter:?}");
    }
    history.delete(ids[2]);
    apply(&pool, &history.events, 100).await;
    assert_eq!(find(&pool, &history, user, "mallet").await.len(), 2);
    history.append_to_conversation(ids[2], ConversationEvent::ConversationRestored);
    apply(&pool, &history.events, 100).await;
    assert_eq!(find(&pool, &history, user, "mallet").await.len(), 4);
}

#[tokio::test]
async fn a_text_without_key_is_not_indexed() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let id = history.start_conversation(user);
    history.turn(id, None, "mallet", "mallet");
    apply(&pool, &history.without_keys(), 100).await;
    assert!(find(&pool, &history, user, "mallet").await.is_empty());
    let entries: i64 =
        sqlx::query_scalar("SELECT count(*) FROM search_entries").fetch_one(&pool).await.unwrap();
    assert_eq!(entries, 0);
}

#[tokio::test]
async fn the_same_word_of_two_users_has_different_lexemes() {
    let (pool, mut history) = (database().await, History::new());
    for _ in 0..2 {
        let user = history.user();
        let id = history.start_conversation(user);
        history.ask(id, None, "mallet");
    }
    apply(&pool, &history.events, 100).await;
    let lexemes: i64 =
        sqlx::query_scalar("SELECT count(DISTINCT tsvector_to_array(tokens)) FROM search_entries")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(lexemes, 2);
}

#[tokio::test]
async fn a_very_long_text_is_indexed_and_found() {
    let words: Vec<String> = (0..4_000).map(|number| format!("w{number}")).collect();
    let (pool, history, user) = asked(&[&format!("{} mallet", words.join(" "))]).await;
    assert_eq!(find(&pool, &history, user, "mallet").await.len(), 1);
    assert_eq!(find(&pool, &history, user, "\"w3999 mallet\"").await.len(), 1);
    let same = "mallet ".repeat(4_000);
    let (pool, history, user) = asked(&[&same]).await;
    assert_eq!(find(&pool, &history, user, "mallet").await.len(), 1);
}
