//! One request at a time, for queries that take several.

use aggregates::{ConversationId, UserId};
use projections::Page;
use projections::conversations::{self, Cursor as ListCursor, Filter, ListPage, ListRequest};
use projections::messages::{self, Branch, Cursor as MessagesCursor, PageRequest, SealedMessage};
use sqlx::{PgExecutor, PgPool};

/// A page of an owner's list, with keys.
pub(crate) async fn list_page(
    executor: impl PgExecutor<'_>,
    owner: UserId,
    filter: &Filter,
    after: Option<ListCursor>,
    limit: u32,
) -> ListPage {
    let request = ListRequest { owner, filter: filter.clone(), after, limit, with_keys: true };
    conversations::lists(executor, &[request]).await.unwrap().pop().unwrap()
}

/// A page of a conversation, of the given branch if it has branches, with its wrapped key.
pub(crate) async fn messages_page(
    pool: &PgPool,
    owner: UserId,
    conversation: ConversationId,
    branch: Branch,
    after: Option<MessagesCursor>,
    limit: u32,
) -> Option<(Page<SealedMessage, MessagesCursor>, Option<Vec<u8>>)> {
    let request = PageRequest { owner, conversation, after, limit, with_key: true };
    let found = messages::pages(pool, &[request]).await.unwrap().pop().unwrap()?;
    let page = if found.branched {
        messages::branch_page(pool, &request, branch).await.unwrap()
    } else {
        found.page
    };
    Some((page, found.wrapped_key))
}
