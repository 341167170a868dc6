//! The list of conversations, usage and accounts.

use aggregates::account::{AccountEvent, AccountStatus, ErasureTarget};
use aggregates::conversation::ConversationEvent;
use aggregates::{ConversationId, ReceiptId, UserId, Version};
use projections::accounts::{self, AccountRow};
use projections::conversations::{self, ConversationRow, Filter};
use projections::usage;
use sqlx::PgPool;
use uuid::Uuid;

use crate::database::{apply, database};
use crate::history::History;
use crate::queries::list_page;

async fn list(pool: &PgPool, history: &History, user: UserId, filter: &Filter) -> Vec<ConversationRow> {
    let page = list_page(pool, user, filter, None, 100).await;
    assert!(page.next.is_none());
    page.items.into_iter().map(|row| open(history, row)).collect()
}

fn open(history: &History, row: conversations::SealedConversation) -> ConversationRow {
    let key = history.key(row.id);
    row.open(Some(key))
}

async fn one(pool: &PgPool, history: &History, user: UserId, id: ConversationId) -> ConversationRow {
    open(history, conversations::get(pool, user, id).await.unwrap().unwrap())
}

#[tokio::test]
async fn a_row_shows_the_newest_state() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let id = history.start_conversation(user);
    let began = history.events.last().unwrap().recorded.recorded_at;
    let asked = history.ask(id, None, "What is a borrow?\nI have read of it.");
    let asked_at = history.events[2].recorded.recorded_at;
    apply(&pool, &history.events, 10).await;
    let row = one(&pool, &history, user, id).await;
    assert_eq!(
        (row.title.as_str(), row.preview.as_str()),
        ("What is a borrow?", "What is a borrow? I have read of it.")
    );
    assert_eq!((row.message_count, row.version.0, row.answering), (2, 3, true));
    assert_eq!((row.created_at, row.updated_at), (began, asked_at));

    history.complete(id, asked, "A **borrow** is a `reference` [1].");
    let ended_at = history.events.last().unwrap().recorded.recorded_at;
    history.rename(id, "Borrows");
    history.tag(id, &["Rust", "Memory"]);
    history.append_to_conversation(id, ConversationEvent::ConversationPinned);
    apply(&pool, &history.events, 10).await;
    let row = one(&pool, &history, user, id).await;
    assert_eq!((row.title.as_str(), row.preview.as_str()), ("Borrows", "A borrow is a reference."));
    assert_eq!((row.version.0, row.answering, row.pinned, row.archived), (7, false, true, false));
    assert_eq!(row.tags, ["Rust", "Memory"]);
    assert_eq!(row.updated_at, ended_at, "neither title nor tags nor pins are activity");
}

#[tokio::test]
async fn pinned_conversations_come_first_and_then_the_newest_activity() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let ids: Vec<ConversationId> = (0..4).map(|_| history.start_conversation(user)).collect();
    for id in &ids {
        history.ask(*id, None, "Question");
    }
    history.append_to_conversation(ids[1], ConversationEvent::ConversationPinned);
    history.ask(ids[0], None, "Again");
    apply(&pool, &history.events, 100).await;
    let shown: Vec<_> =
        list(&pool, &history, user, &Filter::default()).await.into_iter().map(|row| row.id).collect();
    assert_eq!(shown, [ids[1], ids[0], ids[3], ids[2]]);
}

#[tokio::test]
async fn pages_contain_each_row_once_even_while_new_rows_arrive() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let ids: Vec<ConversationId> = (0..23).map(|_| history.start_conversation(user)).collect();
    for id in ids.iter().step_by(5) {
        history.append_to_conversation(*id, ConversationEvent::ConversationPinned);
    }
    apply(&pool, &history.events, 100).await;
    let whole: Vec<_> =
        list(&pool, &history, user, &Filter::default()).await.into_iter().map(|row| row.id).collect();
    let (mut seen, mut after) = (vec![], None);
    loop {
        let page = list_page(&pool, user, &Filter::default(), after, 4).await;
        seen.extend(page.items.iter().map(|row| row.id));
        history.start_conversation(user);
        apply(&pool, &history.events, 100).await;
        after = page.next;
        if after.is_none() {
            break;
        }
        assert_eq!(page.items.len(), 4);
    }
    let seen: Vec<_> = seen.into_iter().filter(|id| ids.contains(id)).collect();
    assert_eq!(seen, whole);
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let ids: Vec<ConversationId> = (0..4).map(|_| history.start_conversation(user)).collect();
    history.append_to_conversation(ids[0], ConversationEvent::ConversationArchived);
    history.append_to_conversation(ids[1], ConversationEvent::ConversationPinned);
    history.tag(ids[2], &["Rust", "SQL"]);
    let before = history.now();
    history.ask(ids[3], None, "Later");
    let after = history.now();
    apply(&pool, &history.events, 100).await;
    let tag = |tag: &str| Some(history.blind(user).tag(tag).into_string());
    let none = Filter::default();
    for (filter, expected) in [
        (Filter { archived: Some(true), ..none.clone() }, vec![ids[0]]),
        (Filter { archived: Some(false), ..none.clone() }, vec![ids[1], ids[3], ids[2]]),
        (Filter { pinned: Some(true), ..none.clone() }, vec![ids[1]]),
        (Filter { pinned: Some(false), ..none.clone() }, vec![ids[3], ids[2], ids[0]]),
        (Filter { tag: tag("rust"), ..none.clone() }, vec![ids[2]]),
        (Filter { tag: tag("sql"), archived: Some(true), ..none.clone() }, vec![]),
        (Filter { from: Some(before), ..none.clone() }, vec![ids[3]]),
        (Filter { from: Some(after), ..none.clone() }, vec![]),
        (Filter { to: Some(before), ..none.clone() }, vec![ids[1], ids[2], ids[0]]),
    ] {
        let shown: Vec<_> =
            list(&pool, &history, user, &filter).await.into_iter().map(|row| row.id).collect();
        assert_eq!(shown, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_deleted_conversation_is_not_returned_until_it_is_restored() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let id = history.start_conversation(user);
    history.turn(id, None, "Where is the xylophone?", "In the cellar.");
    apply(&pool, &history.events, 100).await;
    let before = one(&pool, &history, user, id).await;
    history.delete(id);
    apply(&pool, &history.events, 100).await;
    assert!(list(&pool, &history, user, &Filter::default()).await.is_empty());
    assert!(conversations::get(&pool, user, id).await.unwrap().is_none());
    assert!(conversations::version(&pool, user, id).await.unwrap().is_none());
    history.append_to_conversation(id, ConversationEvent::ConversationRestored);
    apply(&pool, &history.events, 100).await;
    let after = one(&pool, &history, user, id).await;
    assert_eq!(after, ConversationRow { version: Version(6), ..before });
    assert_eq!(conversations::version(&pool, user, id).await.unwrap(), Some(Version(6)));
}

#[tokio::test]
async fn the_wrapped_key_comes_with_the_row() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let id = history.start_conversation(user);
    apply(&pool, &history.events, 100).await;
    assert!(conversations::get(&pool, user, id).await.unwrap().unwrap().wrapped_key.is_none());
    history.store_keys(&pool).await;
    assert!(conversations::get(&pool, user, id).await.unwrap().unwrap().wrapped_key.is_some());
}

#[tokio::test]
async fn a_conversation_without_key_has_a_row_without_texts() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let id = history.start_conversation(user);
    history.turn(id, None, "Secret?", "Secret.");
    history.rename(id, "Secret");
    history.tag(id, &["secret"]);
    apply(&pool, &history.without_keys(), 100).await;
    let row = conversations::get(&pool, user, id).await.unwrap().unwrap().open(None);
    assert_eq!((row.title.as_str(), row.preview.as_str(), row.tags.len()), ("", "", 0));
    assert_eq!((row.message_count, row.version.0), (2, 6));
}

#[tokio::test]
async fn usage_counts_answers_and_tokens_by_day_and_model() {
    let (pool, mut history) = (database().await, History::new());
    let (user, other) = (history.user(), history.user());
    for owner in [user, user, other] {
        let id = history.start_conversation(owner);
        history.turn(id, None, "Question", "Answer");
        let stopped = history.ask(id, None, "Question");
        history.stop(id, stopped, "Half");
    }
    apply(&pool, &history.events, 5).await;
    let days = usage::days(&pool, user, None, None).await.unwrap();
    let day = days[0].day;
    let counted: Vec<_> = days
        .iter()
        .map(|day| (day.model.as_str(), day.answers, day.prompt_tokens, day.completion_tokens))
        .collect();
    assert_eq!(counted, [("model", 2, 200, 20)]);
    assert_eq!(usage::days(&pool, user, Some(day), Some(day)).await.unwrap(), days);
    assert!(usage::days(&pool, user, day.succ_opt(), None).await.unwrap().is_empty());
    assert!(usage::days(&pool, user, None, day.pred_opt()).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_account_shows_its_status() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let opened_at = history.events[0].recorded.recorded_at;
    let receipt = ReceiptId::new(Uuid::now_v7());
    for (event, status, version) in [
        (None, AccountStatus::Open, 1),
        (Some(AccountEvent::AccountErasureRequested { receipt }), AccountStatus::Erasing, 2),
        (Some(AccountEvent::StoreErased { store: ErasureTarget::Files }), AccountStatus::Erasing, 3),
        (Some(AccountEvent::AccountErased), AccountStatus::Erased, 4),
    ] {
        if let Some(event) = event {
            history.append_to_account(user, event);
        }
        apply(&pool, &history.events, 100).await;
        let account = accounts::get(&pool, user).await.unwrap().unwrap();
        assert_eq!(account, AccountRow { opened_at, version: Version(version), status });
    }
    assert!(accounts::get(&pool, UserId::new(Uuid::now_v7())).await.unwrap().is_none());
}
