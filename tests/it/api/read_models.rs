//! Read models: level with the ledger, equal after a rebuild, and without plaintext.

use aggregates::conversation::{Answer, AnswerStatus, Intent};
use aggregates::{AnswerId, ConversationId, Tags, Title, UserId};
use projections::conversations::{self, Filter, ListPage, ListRequest};
use projections::messages::{self, Branch, PageRequest, SealedMessage};
use projections::search::{self, SearchQuery};
use sealing::Subject;
use sqlx::{PgPool, Row as _};

use crate::support::backbone::{Backbone, conversation};

async fn list_page(pool: &PgPool, owner: UserId) -> ListPage {
    let request = ListRequest { owner, filter: Filter::default(), after: None, limit: 20, with_keys: false };
    conversations::lists(pool, &[request]).await.unwrap().pop().unwrap()
}

async fn messages_page(
    pool: &PgPool,
    owner: UserId,
    conversation: ConversationId,
    branch: Branch,
) -> Option<Vec<SealedMessage>> {
    let request = PageRequest { owner, conversation, after: None, limit: 50, with_key: false };
    let found = messages::pages(pool, &[request]).await.unwrap().pop().unwrap()?;
    let page = if found.branched {
        messages::branch_page(pool, &request, branch).await.unwrap()
    } else {
        found.page
    };
    Some(page.items)
}

async fn one_story(backbone: &Backbone) -> (UserId, ConversationId, AnswerId) {
    let user = backbone.user().await;
    let id = conversation();
    let (_, answer) = backbone.ask(user, id, "What does the xylophonist borrow from the orchestra?").await;
    let so_far = Answer { text: "The xylophonist borrows mallets.".into(), ..Answer::default() };
    backbone.command(user, id, Intent::Stop { answer_id: answer, so_far }).await;
    backbone.command(user, id, Intent::Rename(Title::parse("Marimbas at night").unwrap())).await;
    backbone.command(user, id, Intent::Tag(Tags::parse(&["Percussion"]).unwrap())).await;
    (user, id, answer)
}

/// Account, conversation, question, request, stop, title, tags.
const EVENTS: u64 = 7;

#[tokio::test]
async fn a_conversation_shows_in_the_list_with_its_messages_and_is_found() {
    let backbone = Backbone::new().await;
    let tasks = [backbone.sequence(), backbone.project()];
    let (user, id, answer) = one_story(&backbone).await;
    backbone.projected(EVENTS).await;
    let pool = &backbone.pool;
    let keyring = backbone.store.keyring();
    let key = keyring.content(user, Subject::Conversation(id.uuid())).await.unwrap();

    let page = list_page(pool, user).await;
    let row = page.items.into_iter().next().unwrap().open(key.as_ref());
    assert_eq!(
        (row.title.as_str(), row.preview.as_str()),
        ("Marimbas at night", "The xylophonist borrows mallets.")
    );
    assert_eq!((row.message_count, row.version.0, row.answering), (2, 6, false));
    assert_eq!(row.tags, ["Percussion"]);

    let sealed = messages_page(pool, user, id, Branch::Newest).await.unwrap();
    let shown = messages::open_all(sealed, key.as_ref());
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[0].text.read(), "What does the xylophonist borrow from the orchestra?");
    assert_eq!(
        (shown[1].id, shown[1].status, shown[1].text.read().as_str()),
        (answer.uuid(), AnswerStatus::Stopped, "The xylophonist borrows mallets.")
    );

    let blind = keyring.user(user).await.unwrap().unwrap().blind_key();
    for (typed, hits) in [
        ("borrowing", 2),
        ("xylopho", 2),
        ("\"borrows mallets\"", 1),
        ("\"mallets borrows\"", 0),
        ("marimba", 1),
        ("trombone", 0),
    ] {
        let query = SearchQuery::parse(typed).unwrap();
        let filter = Filter::default();
        let found = search::find(pool, user, &blind, &query, &filter, None, 10).await.unwrap();
        assert_eq!(found.items.len(), hits, "{typed}");
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_query_that_forgets_its_owner_sees_nothing_and_one_of_another_owner_sees_nothing_of_ours() {
    let backbone = Backbone::new().await;
    let tasks = [backbone.sequence(), backbone.project()];
    let (_, id, _) = one_story(&backbone).await;
    backbone.projected(EVENTS).await;
    let pool = &backbone.pool;
    for view in
        ["my_conversations", "my_messages", "my_search_entries", "my_usage_days", "my_accounts", "my_keys"]
    {
        let seen: i64 =
            sqlx::query(&format!("SELECT count(*) FROM {view}")).fetch_one(pool).await.unwrap().get(0);
        assert_eq!(seen, 0, "{view}");
    }
    let stranger = backbone.user().await;
    assert!(list_page(pool, stranger).await.items.is_empty());
    assert!(conversations::get(pool, stranger, id).await.unwrap().is_none());
    assert!(messages_page(pool, stranger, id, Branch::Newest).await.is_none());
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn no_table_holds_a_word_of_a_user() {
    let backbone = Backbone::new().await;
    let tasks = [backbone.sequence(), backbone.project()];
    one_story(&backbone).await;
    backbone.projected(EVENTS).await;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
            .fetch_all(&backbone.pool)
            .await
            .unwrap();
    assert!(tables.len() > 8);
    for table in tables {
        let rows: Vec<String> = sqlx::query_scalar(&format!("SELECT t::text FROM {table} t"))
            .fetch_all(&backbone.pool)
            .await
            .unwrap();
        for word in ["xylophonist", "mallets", "Marimbas", "Percussion"] {
            assert!(!rows.iter().any(|row| row.contains(word)), "{word} in {table}");
        }
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn an_answer_of_many_long_words_holds_up_no_read_model_and_its_beginning_is_found() {
    use std::fmt::Write as _;
    let backbone = Backbone::new().await;
    let tasks = [backbone.sequence(), backbone.project()];
    let user = backbone.user().await;
    let id = conversation();
    let (_, answer) = backbone.ask(user, id, "How many words are there?").await;
    let mut text = String::new();
    for number in 0..16_000 {
        let _ = write!(text, "vocabularies{number:05}ings ");
    }
    let so_far = Answer { text, ..Answer::default() };
    backbone.command(user, id, Intent::Stop { answer_id: answer, so_far }).await;
    backbone.ask(user, conversation(), "What follows is projected, too").await;
    backbone.projected(8).await;
    let blind = backbone.store.keyring().user(user).await.unwrap().unwrap().blind_key();
    for typed in ["vocabularies00001ings", "projected"] {
        let query = SearchQuery::parse(typed).unwrap();
        let filter = Filter::default();
        let found = search::find(&backbone.pool, user, &blind, &query, &filter, None, 10).await.unwrap();
        assert_eq!(found.items.len(), 1, "{typed}");
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_branched_conversation_shows_one_path_and_tells_siblings() {
    let backbone = Backbone::new().await;
    let tasks = [backbone.sequence(), backbone.project()];
    let user = backbone.user().await;
    let id = conversation();
    let (first, one) = backbone.ask(user, id, "first").await;
    backbone.ask(user, id, "second").await;
    let two = AnswerId::new(uuid::Uuid::now_v7());
    backbone.command(user, id, Intent::Regenerate { question_id: first, answer_id: two, model: None }).await;
    backbone.projected(7).await;
    let pool = &backbone.pool;
    let read = async |branch| {
        let sealed = messages_page(pool, user, id, branch).await.unwrap();
        messages::open_all(sealed, None)
    };
    let newest = read(Branch::Newest).await;
    assert_eq!(newest.iter().map(|message| message.id).collect::<Vec<_>>(), [first.uuid(), two.uuid()]);
    assert_eq!(newest[1].siblings, [one.uuid(), two.uuid()]);
    assert_eq!(read(Branch::Through(one.uuid())).await.len(), 4);
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}
