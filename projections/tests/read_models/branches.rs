//! Branches of a conversation, page by page.

use aggregates::conversation::{AnswerStatus, ConversationEvent, FailureReason, MessageRole, Rating};
use aggregates::{AnswerId, ConversationId, QuestionId, UserId};
use projections::messages::{self, Branch, Message, PageRequest};
use sqlx::PgPool;
use uuid::Uuid;

use crate::database::{apply, database};
use crate::history::History;
use crate::queries::messages_page;

async fn decrypted(
    pool: &PgPool,
    history: &History,
    user: UserId,
    id: ConversationId,
    branch: Branch,
) -> Vec<Message> {
    let (page, _) = messages_page(pool, user, id, branch, None, 100).await.unwrap();
    messages::open_all(page.items, Some(history.key(id)))
}

async fn ids(
    pool: &PgPool,
    history: &History,
    user: UserId,
    id: ConversationId,
    branch: Branch,
) -> Vec<Uuid> {
    decrypted(pool, history, user, id, branch).await.into_iter().map(|message| message.id).collect()
}

fn flat(turns: &[(QuestionId, AnswerId)]) -> Vec<Uuid> {
    turns.iter().flat_map(|(question, answer)| [question.uuid(), answer.uuid()]).collect()
}

/// A first turn, two turns that follow it, one turn that follows the older of these, and a second answer to
/// the first question.
struct Tree {
    user: UserId,
    id: ConversationId,
    first: (QuestionId, AnswerId),
    older: (QuestionId, AnswerId),
    below_older: (QuestionId, AnswerId),
    newer: (QuestionId, AnswerId),
    again: AnswerId,
}

fn tree(history: &mut History) -> Tree {
    let user = history.user();
    let id = history.start_conversation(user);
    let first = history.turn(id, None, "first", "one");
    let older = history.turn(id, Some(first.1), "older", "two");
    let below_older = history.turn(id, Some(older.1), "below older", "three");
    let newer = history.turn(id, Some(first.1), "newer", "four");
    let again = history.request(id, first.0);
    history.complete(id, (first.0, again), "five");
    Tree { user, id, first, older, below_older, newer, again }
}

#[tokio::test]
async fn a_conversation_without_branches_is_read_whole_and_page_by_page() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let id = history.start_conversation(user);
    let (mut turns, mut parent) = (vec![], None);
    for number in 0..5 {
        let turn = history.turn(id, parent, &format!("question {number}"), &format!("answer {number}"));
        parent = Some(turn.1);
        turns.push(turn);
    }
    apply(&pool, &history.events, 7).await;
    assert_eq!(ids(&pool, &history, user, id, Branch::Newest).await, flat(&turns));
    let (mut seen, mut after) = (vec![], None);
    loop {
        let (page, _) = messages_page(&pool, user, id, Branch::Newest, after, 3).await.unwrap();
        seen.extend(messages::open_all(page.items, None).into_iter().map(|message| message.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, flat(&turns));
}

#[tokio::test]
async fn the_newest_branch_is_read_unless_the_request_names_another() {
    let (pool, mut history) = (database().await, History::new());
    let tree = tree(&mut history);
    apply(&pool, &history.events, 5).await;
    let path = async |branch| ids(&pool, &history, tree.user, tree.id, branch).await;
    assert_eq!(path(Branch::Newest).await, [tree.first.0.uuid(), tree.again.uuid()]);
    assert_eq!(path(Branch::Through(tree.first.1.uuid())).await, flat(&[tree.first, tree.newer]));
    let older = flat(&[tree.first, tree.older, tree.below_older]);
    for message in [tree.older.0.uuid(), tree.older.1.uuid(), tree.below_older.1.uuid()] {
        assert_eq!(path(Branch::Through(message)).await, older);
    }
    assert_eq!(path(Branch::Through(Uuid::now_v7())).await, [] as [Uuid; 0]);
}

#[tokio::test]
async fn siblings_follow_the_same_message_and_are_ordered_from_the_oldest() {
    let (pool, mut history) = (database().await, History::new());
    let tree = tree(&mut history);
    apply(&pool, &history.events, 5).await;
    let path = decrypted(&pool, &history, tree.user, tree.id, Branch::Through(tree.newer.0.uuid())).await;
    let siblings: Vec<Vec<Uuid>> = path.into_iter().map(|message| message.siblings).collect();
    assert_eq!(
        siblings,
        [
            vec![tree.first.0.uuid()],
            vec![tree.first.1.uuid(), tree.again.uuid()],
            vec![tree.older.0.uuid(), tree.newer.0.uuid()],
            vec![tree.newer.1.uuid()],
        ]
    );
}

#[tokio::test]
async fn a_branch_is_read_page_by_page() {
    let (pool, mut history) = (database().await, History::new());
    let tree = tree(&mut history);
    apply(&pool, &history.events, 5).await;
    let through = Branch::Through(tree.below_older.0.uuid());
    let whole = flat(&[tree.first, tree.older, tree.below_older]);
    let (mut seen, mut after) = (vec![], None);
    loop {
        let (page, _) = messages_page(&pool, tree.user, tree.id, through, after, 2).await.unwrap();
        seen.extend(messages::open_all(page.items, None).into_iter().map(|message| message.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, whole);
}

#[tokio::test]
async fn a_message_shows_status_text_rating_usage_and_failure() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let id = history.start_conversation(user);
    let whole = history.turn(id, None, "Why?", "Because [1].");
    history.rate(id, whole.1, Rating::Up);
    let stopped = history.ask(id, Some(whole.1), "And then?");
    history.stop(id, stopped, "Then the");
    let failed = history.ask(id, Some(stopped.1), "Really?");
    history.fail(id, failed);
    history.ask(id, Some(failed.1), "Hello?");
    apply(&pool, &history.events, 100).await;
    let messages = decrypted(&pool, &history, user, id, Branch::Newest).await;
    let texts: Vec<String> = messages.iter().map(|message| message.text.read()).collect();
    let read: Vec<_> = messages
        .iter()
        .zip(&texts)
        .map(|(message, text)| (message.role, message.status, text.as_str()))
        .collect();
    assert_eq!(
        read,
        [
            (MessageRole::User, AnswerStatus::Completed, "Why?"),
            (MessageRole::Assistant, AnswerStatus::Completed, "Because [1]."),
            (MessageRole::User, AnswerStatus::Completed, "And then?"),
            (MessageRole::Assistant, AnswerStatus::Stopped, "Then the"),
            (MessageRole::User, AnswerStatus::Completed, "Really?"),
            (MessageRole::Assistant, AnswerStatus::Failed, ""),
            (MessageRole::User, AnswerStatus::Completed, "Hello?"),
            (MessageRole::Assistant, AnswerStatus::Requested, ""),
        ]
    );
    let answer = &messages[1];
    assert_eq!((answer.rating, answer.model.as_deref(), answer.quoted), (Rating::Up, Some("model"), false));
    assert_eq!(answer.usage.map(|usage| (usage.prompt_tokens, usage.completion_tokens)), Some((100, 10)));
    assert_eq!(answer.citations.len(), 1);
    assert_eq!(answer.parent_id, Some(messages[0].id));
    let failure = messages[5].failure.as_ref().unwrap();
    assert_eq!((failure.reason, failure.retryable), (FailureReason::ModelRefused, false));
    assert!(messages[7].failure.is_none() && messages[7].usage.is_none());
}

#[tokio::test]
async fn a_deleted_conversation_has_no_messages_until_it_is_restored() {
    let (pool, mut history) = (database().await, History::new());
    let tree = tree(&mut history);
    history.delete(tree.id);
    apply(&pool, &history.events, 100).await;
    let page = messages_page(&pool, tree.user, tree.id, Branch::Newest, None, 10).await;
    assert!(page.is_none());
    history.append_to_conversation(tree.id, ConversationEvent::ConversationRestored);
    apply(&pool, &history.events, 100).await;
    assert_eq!(ids(&pool, &history, tree.user, tree.id, Branch::Newest).await.len(), 2);
}

#[tokio::test]
async fn messages_whose_key_was_destroyed_have_no_text() {
    let (pool, mut history) = (database().await, History::new());
    let tree = tree(&mut history);
    apply(&pool, &history.without_keys(), 100).await;
    let (page, wrapped) = messages_page(&pool, tree.user, tree.id, Branch::Newest, None, 10).await.unwrap();
    assert!(wrapped.is_none());
    let texts: Vec<String> =
        messages::open_all(page.items, None).into_iter().map(|message| message.text.read()).collect();
    assert_eq!(texts, ["", ""]);
}

/// A linear conversation of so many messages with a second answer to its first question.
async fn long_conversation(pool: &PgPool, user: UserId, messages: i64) -> (ConversationId, Uuid) {
    let (id, first) = (ConversationId::new(Uuid::now_v7()), Uuid::now_v7());
    sqlx::query(
        "WITH numbered AS (SELECT n, CASE n WHEN 1 THEN $4 ELSE gen_random_uuid() END AS id FROM generate_series(1, $3) AS n),
              chained AS (SELECT n, id, lag(id) OVER (ORDER BY n) AS parent_id FROM numbered),
              placed AS (SELECT n, id, CASE WHEN n = $3 THEN $4 ELSE parent_id END AS parent_id FROM chained)
         INSERT INTO messages (owner, conversation_id, id, ordinal, parent_id, role, status, created_at, sequence, event_type)
         SELECT $1, $2, id, n, parent_id, 'user', 'asked', now(), n, 'QuestionAsked' FROM placed",
    )
    .bind(user)
    .bind(id)
    .bind(messages)
    .bind(first)
    .execute(pool)
    .await
    .unwrap();
    (id, first)
}

#[tokio::test]
async fn a_branch_of_ten_thousand_messages_is_read_in_time_that_grows_with_their_number() {
    let pool = database().await;
    let user = UserId::new(Uuid::now_v7());
    let mut fastest = Vec::new();
    for number in [1_000, 10_000] {
        let (id, first) = long_conversation(&pool, user, number).await;
        let mut times = Vec::new();
        for _ in 0..5 {
            let began = std::time::Instant::now();
            let request =
                PageRequest { owner: user, conversation: id, after: None, limit: 100, with_key: false };
            let page = messages::branch_page(&pool, &request, Branch::Through(first)).await.unwrap();
            times.push(began.elapsed());
            // The second answer is the newest message below the first question.
            assert_eq!((page.items.len(), page.next.is_some()), (2, false));
        }
        fastest.push(times.into_iter().min().unwrap());
    }
    println!("1,000 and 10,000 messages: {fastest:?}");
    assert!(fastest[1] < fastest[0] * 40, "{fastest:?}");
}
